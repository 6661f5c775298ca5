// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.dispatch;

import java.io.IOException;
import java.nio.ByteBuffer;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.snapshot.AttachedDevice;
import org.blksnap.api.snapshot.SnapshotService;
import org.blksnap.ioctl.internal.layout.Layout;
import org.blksnap.ioctl.internal.layout.Seed;

/**
 * The calls on a device: attach, detach, and the five commands of ctl. What is wrong is looked for
 * in one order: the caller's struct, the filter's name and the device, the command, its option.
 * Keeps nothing of a call; any thread.
 */
final class FilterCalls {
  private final FilterCommands commands;

  FilterCalls(ArrayMemory memory) {
    commands = new FilterCommands(memory);
  }

  /** Whether the word is one of the filter's; by number and magic alone. */
  static boolean knows(int word) {
    return (word >>> 8 & 0xff) == Seed.FILTER_MAGIC
        && (word & 0xff) >= Seed.NR_ATTACH
        && (word & 0xff) <= Seed.NR_CTL;
  }

  int call(SnapshotService engine, Target target, int word, long argument, CallerMemory caller)
      throws IOException {
    if ((word & 0xff) == Seed.NR_CTL) {
      return ctl(engine, target, argument, caller);
    }
    ByteBuffer given = Layout.buffer(ByteBuffer.allocate(Seed.NAME.size()));
    caller.read(argument, given);
    checkName(Seed.NAME_NAME.text(given));
    return (word & 0xff) == Seed.NR_ATTACH
        ? Attaching.attach(engine, target)
        : Attaching.detach(engine, target);
  }

  private int ctl(SnapshotService engine, Target target, long argument, CallerMemory caller)
      throws IOException {
    ByteBuffer given = Layout.buffer(ByteBuffer.allocate(Seed.CTL.size()));
    caller.read(argument, given);
    checkName(Seed.CTL_NAME.text(given));
    AttachedDevice device = DeviceLookup.required(engine, target);
    ByteBuffer length = given.slice(Seed.CTL_OPTLEN.offset(), Seed.CTL_OPTLEN.size());
    if (FilterCommands.changes(Seed.CTL_CMD.get(given))) {
      // Shown to be writable, with what is there, before anything is changed.
      caller.write(argument + Seed.CTL_OPTLEN.offset(), length.duplicate());
    }
    ByteBuffer written = Layout.buffer(ByteBuffer.allocate(Seed.CTL_OPTLEN.size()));
    written.putInt(
        0,
        commands.run(
            engine,
            device,
            Seed.CTL_CMD.get(given),
            new FilterCommands.Option(
                Seed.CTL_OPT.get(given), Seed.CTL_OPTLEN.get(given), caller)));
    caller.write(argument + Seed.CTL_OPTLEN.offset(), written);
    return 0;
  }

  private static void checkName(String name) throws BlksnapException {
    if (!name.equals(Seed.FILTER_NAME)) {
      throw new BlksnapException(
          Errno.ENOENT, "filter \"" + name + "\" refused: allowed is " + Seed.FILTER_NAME);
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.dispatch;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.UUID;
import org.blksnap.api.block.Errno;
import org.blksnap.api.snapshot.Snapshot;
import org.blksnap.api.snapshot.SnapshotRequest;
import org.blksnap.api.snapshot.SnapshotService;
import org.blksnap.api.snapshot.Version;
import org.blksnap.ioctl.internal.layout.Layout;
import org.blksnap.ioctl.internal.layout.Seed;

/**
 * The calls of the control device that take one struct and do not wait: version, create, destroy,
 * take, collect. Each answers 0 or a positive errno, or throws. Keeps nothing; any thread.
 */
final class ControlCalls {
  private static final int UUID_SIZE = Seed.UUID.size();

  /** Ids copied to the caller at once. */
  private static final int IDS_AT_ONCE = 4096;

  private ControlCalls() {}

  static int version(SnapshotService engine, long argument, CallerMemory caller)
      throws IOException {
    Version version = engine.version();
    ByteBuffer struct = Layout.buffer(ByteBuffer.allocate(Seed.VERSION.size()));
    Seed.VERSION_MAJOR.put(struct, version.major());
    Seed.VERSION_MINOR.put(struct, version.minor());
    Seed.VERSION_REVISION.put(struct, version.revision());
    Seed.VERSION_BUILD.put(struct, version.build());
    caller.write(argument, struct);
    return 0;
  }

  /** The caller's struct is shown to be writable before there is a snapshot of that id. */
  static int create(SnapshotService engine, long argument, CallerMemory caller) throws IOException {
    caller.write(argument, ByteBuffer.allocate(UUID_SIZE));
    Snapshot made = engine.create(SnapshotRequest.of().labelled("of a native program"));
    try {
      ByteBuffer struct = Layout.buffer(ByteBuffer.allocate(UUID_SIZE));
      Seed.UUID_B.put(struct, made.id());
      caller.write(argument, struct);
      return 0;
    } catch (IOException | RuntimeException e) {
      made.destroy();
      throw e;
    }
  }

  /** The id at the beginning of the caller's struct. */
  static UUID id(long argument, CallerMemory caller) throws IOException {
    ByteBuffer struct = Layout.buffer(ByteBuffer.allocate(UUID_SIZE));
    caller.read(argument, struct);
    return Seed.UUID_B.uuid(struct);
  }

  static int destroy(SnapshotService engine, long argument, CallerMemory caller)
      throws IOException {
    engine.destroy(id(argument, caller));
    return 0;
  }

  static int take(SnapshotService engine, long argument, CallerMemory caller) throws IOException {
    engine.snapshot(id(argument, caller)).take();
    return 0;
  }

  /**
   * The ids; or only how many there are, which is ENODATA where there was an array too small for
   * them. The count is written last, and not after a fault.
   */
  static int collect(SnapshotService engine, long argument, CallerMemory caller)
      throws IOException {
    ByteBuffer given = Layout.buffer(ByteBuffer.allocate(Seed.COLLECT.size()));
    caller.read(argument, given);
    long ids = Seed.COLLECT_IDS.get(given);
    List<UUID> found = engine.collect();
    Errno answer = Errno.OK;
    if (ids != 0 && found.size() > Seed.COLLECT_COUNT.get(given)) {
      answer = Errno.ENODATA;
    } else if (ids != 0) {
      write(found, ids, caller);
    }
    ByteBuffer count = Layout.buffer(ByteBuffer.allocate(Seed.COLLECT_COUNT.size()));
    count.putInt(0, found.size());
    caller.write(argument + Seed.COLLECT_COUNT.offset(), count);
    return answer.code();
  }

  private static void write(List<UUID> found, long ids, CallerMemory caller) throws IOException {
    for (int done = 0; done < found.size(); done += IDS_AT_ONCE) {
      List<UUID> part = found.subList(done, Math.min(found.size(), done + IDS_AT_ONCE));
      ByteBuffer array = ByteBuffer.allocate(part.size() * UUID_SIZE);
      for (UUID id : part) {
        array.putLong(id.getMostSignificantBits()).putLong(id.getLeastSignificantBits());
      }
      caller.write(ids + (long) done * UUID_SIZE, array.flip());
    }
  }
}

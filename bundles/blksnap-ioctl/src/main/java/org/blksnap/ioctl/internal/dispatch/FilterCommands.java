// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.dispatch;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Optional;
import java.util.UUID;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.change.CbtInfo;
import org.blksnap.api.snapshot.AttachedDevice;
import org.blksnap.api.snapshot.ImageInfo;
import org.blksnap.api.snapshot.SnapshotService;
import org.blksnap.ioctl.internal.layout.Layout;
import org.blksnap.ioctl.internal.layout.Seed;

/**
 * The five commands of ctl on an attached device. Each answers the bytes it wrote to the option.
 * Keeps nothing of a call; any thread.
 */
final class FilterCommands {
  /** Map bytes copied at once. */
  private static final int MAP_WINDOW = 1 << 16;

  /**
   * The caller's option.
   *
   * @param address where it lies
   * @param length bytes it has, as the caller says
   * @param caller whose memory that is
   */
  record Option(long address, long length, CallerMemory caller) {
    /** EINVAL: it is shorter than the struct. */
    ByteBuffer read(Layout struct) throws IOException {
      check(struct);
      ByteBuffer bytes = Layout.buffer(ByteBuffer.allocate(struct.size()));
      caller.read(address, bytes);
      return bytes;
    }

    int write(Layout struct, ByteBuffer bytes) throws IOException {
      check(struct);
      caller.write(address, bytes);
      return struct.size();
    }

    private void check(Layout struct) throws BlksnapException {
      if (length < struct.size()) {
        throw new BlksnapException(
            Errno.EINVAL,
            "option of "
                + length
                + " bytes refused: "
                + struct.name()
                + " has "
                + struct.size()
                + "; give as many or more");
      }
    }
  }

  private final ArrayMemory memory;

  FilterCommands(ArrayMemory memory) {
    this.memory = memory;
  }

  /** Whether the command changes anything but the caller's memory. */
  static boolean changes(long command) {
    return command == Seed.CTL_CBTDIRTY || command == Seed.CTL_SNAPSHOTADD;
  }

  /** ENOTTY: there is no such command. */
  int run(SnapshotService engine, AttachedDevice device, long command, Option option)
      throws IOException {
    if (command > Seed.CTL_SNAPSHOTINFO) {
      throw new BlksnapException(
          Errno.ENOTTY,
          "command " + command + " refused: allowed are 0 to " + Seed.CTL_SNAPSHOTINFO);
    }
    return switch ((int) command) {
      case Seed.CTL_CBTINFO -> cbtinfo(device, option);
      case Seed.CTL_CBTMAP -> cbtmap(device, option);
      case Seed.CTL_CBTDIRTY -> cbtdirty(device, option);
      case Seed.CTL_SNAPSHOTADD -> snapshotadd(engine, device, option);
      default -> snapshotinfo(engine, device, option);
    };
  }

  private static int cbtinfo(AttachedDevice device, Option option) throws IOException {
    CbtInfo info = device.changes().info();
    ByteBuffer struct = Layout.buffer(ByteBuffer.allocate(Seed.CBTINFO.size()));
    Seed.CBTINFO_CAPACITY.put(struct, info.deviceCapacity());
    Seed.CBTINFO_BLOCK_SIZE.put(struct, info.blockSize());
    Seed.CBTINFO_BLOCK_COUNT.put(struct, info.blockCount());
    Seed.CBTINFO_GENERATION.put(struct, info.generationId());
    Seed.CBTINFO_NUMBER.put(struct, info.changesNumber());
    return option.write(Seed.CBTINFO, struct);
  }

  /** As many bytes as the map has from there on; at its end none. EINVAL: past the end. */
  private static int cbtmap(AttachedDevice device, Option option) throws IOException {
    ByteBuffer given = option.read(Seed.CBTMAP);
    long offset = Seed.CBTMAP_OFFSET.get(given);
    long length = Seed.CBTMAP_LENGTH.get(given);
    long buffer = Seed.CBTMAP_BUFFER.get(given);
    if (length > 0 && buffer == 0) {
      throw new BlksnapException(Errno.EFAULT, "map refused: its buffer is null");
    }
    int blocks = device.changes().info().blockCount();
    if (offset > blocks) {
      throw new BlksnapException(
          Errno.EINVAL, "map offset " + offset + " refused: allowed are 0 to " + blocks);
    }
    ByteBuffer window = ByteBuffer.allocate((int) Math.min(length, MAP_WINDOW));
    for (long done = 0; done < length; ) {
      window.clear().limit((int) Math.min(length - done, window.capacity()));
      int read = device.changes().read(offset + done, window);
      if (read <= 0) {
        break;
      }
      option.caller().write(buffer + done, window.flip());
      done += read;
    }
    return 0;
  }

  /** All ranges are read and looked at before the first is marked. */
  private int cbtdirty(AttachedDevice device, Option option) throws IOException {
    ByteBuffer given = option.read(Seed.CBTDIRTY);
    long count = Seed.CBTDIRTY_COUNT.get(given);
    long from = Seed.CBTDIRTY_SECTORS.get(given);
    if (count == 0) {
      return 0;
    }
    try (ArrayMemory.Lease lease = memory.lease()) {
      SectorRanges ranges = SectorRanges.read(option.caller(), from, count, lease);
      ranges.check();
      device.changes().markDirty(ranges);
    }
    return 0;
  }

  private static int snapshotadd(SnapshotService engine, AttachedDevice device, Option option)
      throws IOException {
    UUID id = Seed.SNAPSHOTADD_ID.uuid(option.read(Seed.SNAPSHOTADD));
    engine.snapshot(id).addDevice(device.name());
    return 0;
  }

  /** Neither error nor image where no snapshot holds the device, and before the take. */
  private static int snapshotinfo(SnapshotService engine, AttachedDevice device, Option option)
      throws IOException {
    ByteBuffer struct = Layout.buffer(ByteBuffer.allocate(Seed.SNAPSHOTINFO.size()));
    Optional<ImageInfo> found = image(engine, device);
    if (found.isPresent()) {
      Seed.SNAPSHOTINFO_ERROR.put(struct, -(long) found.get().error().code());
      Seed.SNAPSHOTINFO_IMAGE.put(struct, found.get().image());
    }
    return option.write(Seed.SNAPSHOTINFO, struct);
  }

  private static Optional<ImageInfo> image(SnapshotService engine, AttachedDevice device)
      throws IOException {
    Optional<UUID> id = device.snapshot();
    if (id.isEmpty()) {
      return Optional.empty();
    }
    try {
      return engine.snapshot(id.get()).info().stream()
          .filter(info -> info.device().equals(device.name()))
          .findFirst();
    } catch (BlksnapException e) {
      if (e.errno() == Errno.ESRCH) {
        return Optional.empty();
      }
      throw e;
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.dispatch;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.ByteRange;
import org.blksnap.api.block.Errno;
import org.blksnap.api.change.CbtInfo;
import org.blksnap.api.change.ChangeMap;
import org.blksnap.api.change.GenerationReason;
import org.blksnap.api.snapshot.AttachedDevice;

/** An attached device of the model: a map and no data. One thread. */
final class ModelDevice {
  static final int BLOCK = 1 << 16;

  final String name;
  final Path path;
  final int major;
  final int minor;
  final AttachedDevice handle = Doubles.of(AttachedDevice.class, new Handle());
  final UUID generation = UUID.randomUUID();
  long capacity;
  int number;
  byte[] map = {};
  UUID holder;
  Errno error = Errno.OK;

  ModelDevice(String name, Path path, int major, int minor) {
    this.name = name;
    this.path = path;
    this.major = major;
    this.minor = minor;
  }

  void resize(long bytes) {
    capacity = bytes;
    map = new byte[(int) ((bytes + BLOCK - 1) / BLOCK)];
  }

  @SuppressWarnings("unused") // Called by name.
  private final class Handle {
    String name() {
      return name;
    }

    Path path() {
      return path;
    }

    String identity() {
      return major + ":" + minor;
    }

    int major() {
      return major;
    }

    int minor() {
      return minor;
    }

    Optional<UUID> snapshot() {
      return Optional.ofNullable(holder);
    }

    ChangeMap changes() {
      return Doubles.of(ChangeMap.class, new Changes());
    }
  }

  @SuppressWarnings("unused") // Called by name.
  private final class Changes {
    CbtInfo info() {
      return new CbtInfo(
          capacity,
          BLOCK,
          map.length,
          generation,
          number,
          GenerationReason.FIRST_ATTACH,
          "",
          Instant.EPOCH);
    }

    int read(long index, ByteBuffer dst) throws BlksnapException {
      if (index > map.length) {
        throw Doubles.refused(Errno.EINVAL);
      }
      int bytes = (int) Math.min(dst.remaining(), map.length - index);
      dst.put(map, (int) index, bytes);
      return bytes;
    }

    void markDirty(List<ByteRange> ranges) throws BlksnapException {
      for (ByteRange range : ranges) {
        if (range.end() > capacity) {
          throw Doubles.refused(Errno.EINVAL);
        }
      }
      for (ByteRange range : ranges) {
        for (long at = range.offset() / BLOCK; at * BLOCK < range.end(); at++) {
          map[(int) at] = 1;
        }
      }
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.dispatch;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.snapshot.Snapshot;
import org.blksnap.api.snapshot.SnapshotService;
import org.blksnap.ioctl.internal.layout.Layout;
import org.blksnap.ioctl.internal.layout.Seed;

/**
 * The call {@code snapshot_append_storage}. Everything the caller says is read and looked at before
 * the snapshot is given anything. Any thread.
 */
final class StorageCall {
  /** Bytes of a path, without its end. */
  static final int LONGEST_PATH = 4096;

  private final ArrayMemory memory;

  StorageCall(ArrayMemory memory) {
    this.memory = memory;
  }

  int call(SnapshotService engine, long argument, Caller caller) throws IOException {
    ByteBuffer given = Layout.buffer(ByteBuffer.allocate(Seed.APPEND_STORAGE.size()));
    caller.read(argument, given);
    Snapshot snapshot = engine.snapshot(Seed.APPEND_ID.uuid(given));
    Path path = path(given, caller);
    long count = Seed.APPEND_COUNT.get(given);
    if (count == 0 || count > SectorRanges.MOST) {
      throw new BlksnapException(
          Errno.EINVAL,
          "storage "
              + path
              + " refused with "
              + count
              + " ranges: allowed are 1 to "
              + SectorRanges.MOST
              + " a call");
    }
    Files.readAttributes(path, BasicFileAttributes.class);
    try (ArrayMemory.Lease lease = memory.lease()) {
      SectorRanges ranges = SectorRanges.read(caller, Seed.APPEND_RANGES.get(given), count, lease);
      ranges.check();
      snapshot.appendStorage(path, ranges);
    }
    return 0;
  }

  private static Path path(ByteBuffer given, Caller caller) throws IOException {
    if (Seed.APPEND_PATH.get(given) == 0 || Seed.APPEND_RANGES.get(given) == 0) {
      throw new BlksnapException(Errno.EFAULT, "storage refused: the path or the ranges are null");
    }
    long size = Seed.APPEND_PATH_SIZE.get(given);
    if (size == 0 || size > LONGEST_PATH) {
      throw new BlksnapException(
          Errno.EINVAL, "path of " + size + " bytes refused: allowed are 1 to " + LONGEST_PATH);
    }
    ByteBuffer bytes = ByteBuffer.allocate((int) size);
    caller.read(Seed.APPEND_PATH.get(given), bytes);
    String path = text(bytes.array());
    if (path.isEmpty()) {
      throw new BlksnapException(Errno.ENOENT, "storage refused: its path is empty");
    }
    try {
      return caller.directory().resolve(path);
    } catch (InvalidPathException e) {
      throw new BlksnapException(
          Errno.ENOENT, "path \"" + path + "\" refused: no file here can have that name", e);
    }
  }

  /** Up to the first zero, which need not be there. */
  private static String text(byte[] bytes) {
    int length = 0;
    while (length < bytes.length && bytes[length] != 0) {
      length++;
    }
    return new String(bytes, 0, length, StandardCharsets.UTF_8);
  }
}

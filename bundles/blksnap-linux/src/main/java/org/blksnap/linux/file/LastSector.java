// SPDX-License-Identifier: Apache-2.0
package org.blksnap.linux.file;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Path;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.ByteRange;
import org.blksnap.api.block.Errno;

/**
 * The sector in which a file ends. What is missing of it is part of the device: it reads as zeroes,
 * and the first write to it makes the file so much longer, by less than a sector.
 */
public final class LastSector {
  /** Read-only, and only ever duplicated. */
  private static final ByteBuffer ZEROES =
      ByteBuffer.allocateDirect(ByteRange.SECTOR).asReadOnlyBuffer();

  private LastSector() {}

  /**
   * Bytes of the whole sectors that hold all of so many: where a file ends within a sector, the
   * rest of that sector belongs to the device. Nothing is cut off.
   */
  public static long wholeBytes(long bytes) {
    return (bytes + ByteRange.SECTOR - 1) & -ByteRange.SECTOR;
  }

  /** EIO where not all that is asked for lies between the file's end and that of its sector. */
  static void requireInside(FileChannel file, Path path, String what, long at, long length)
      throws IOException {
    long size = file.size();
    if (at < size || length > wholeBytes(size) - at) {
      throw endReached(path, what, at, length);
    }
  }

  /** Zeroes up to the buffer's end; answers how many. */
  static int fill(ByteBuffer dst) {
    int length = dst.remaining();
    dst.put(ZEROES.duplicate().limit(length));
    return length;
  }

  /** As many zeroes as the target takes at once. */
  static int send(WritableByteChannel target, long length) throws IOException {
    return target.write(ZEROES.duplicate().limit((int) length));
  }

  static BlksnapException endReached(Path path, String what, long at, long missing) {
    return new BlksnapException(
        Errno.EIO,
        what
            + " of "
            + path
            + " ended at "
            + at
            + " with "
            + missing
            + " bytes missing; has it shrunk?");
  }
}

// SPDX-License-Identifier: Apache-2.0
package org.blksnap.device.internal;

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
final class LastSector {
  /** Read-only, and only ever duplicated. */
  private static final ByteBuffer ZEROES =
      ByteBuffer.allocateDirect(ByteRange.SECTOR).asReadOnlyBuffer();

  private LastSector() {}

  /** EIO where not all that is asked for lies between the file's end and that of its sector. */
  static void requireInside(FileChannel file, Path path, String what, long at, long length)
      throws IOException {
    long size = file.size();
    if (at < size || length > Geometries.wholeSectors(size) - at) {
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
            + " bytes missing; has the device shrunk?");
  }
}

// SPDX-License-Identifier: Apache-2.0
package org.blksnap.chunk.internal;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.UUID;
import java.util.zip.CRC32C;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;

/**
 * What both files of a diff area begin with. Little-endian, but for the UUID, which stands in its
 * RFC 4122 byte order.
 *
 * <pre>
 *  offset size
 *       0    8  magic
 *       8    4  version, 2
 *      12    4  chunk shift
 *      16    4  page shift
 *      20    4  count: chunks, or slots
 *      24    8  capacity of the device in bytes
 *      32   16  UUID of the snapshot
 *      48    4  CRC32C of bytes 0 to 47
 *      52   12  zero
 * </pre>
 *
 * @param magic what file it is
 * @param geometry how the device is cut
 * @param count chunks, or slots
 * @param snapshot whose it is
 */
record FileHeader(long magic, ChunkGeometry geometry, int count, UUID snapshot) {
  static final int MAGIC = 0;
  static final int VERSION = 8;
  static final int CHUNK_SHIFT = 12;
  static final int PAGE_SHIFT = 16;
  static final int COUNT = 20;
  static final int CAPACITY = 24;
  static final int SNAPSHOT = 32;
  static final int CRC = 48;
  static final int SIZE = 64;

  static final int THIS_VERSION = 2;

  ByteBuffer encode() {
    ByteBuffer header = ByteBuffer.allocate(SIZE).order(ByteOrder.LITTLE_ENDIAN);
    header.putLong(MAGIC, magic);
    header.putInt(VERSION, THIS_VERSION);
    header.putInt(CHUNK_SHIFT, geometry.chunkShift());
    header.putInt(PAGE_SHIFT, geometry.pageShift());
    header.putInt(COUNT, count);
    header.putLong(CAPACITY, geometry.capacity());
    header.order(ByteOrder.BIG_ENDIAN);
    header.putLong(SNAPSHOT, snapshot.getMostSignificantBits());
    header.putLong(SNAPSHOT + Long.BYTES, snapshot.getLeastSignificantBits());
    header.order(ByteOrder.LITTLE_ENDIAN);
    header.putInt(CRC, crc(header));
    return header;
  }

  /** EFAULT where the file does not begin with such a header. */
  static FileHeader read(FileChannel file, Path path, long magic) throws IOException {
    if (file.size() < SIZE) {
      throw damaged(path, "it is cut short at " + file.size() + " bytes");
    }
    ByteBuffer found = ByteBuffer.allocate(SIZE).order(ByteOrder.LITTLE_ENDIAN);
    Zeroes.readFully(file, found, 0);
    if (found.getLong(MAGIC) != magic) {
      throw damaged(path, "it does not begin with the magic of such a file");
    }
    if (found.getInt(VERSION) != THIS_VERSION) {
      throw damaged(
          path,
          "it is of version "
              + Integer.toUnsignedString(found.getInt(VERSION))
              + ", known here is "
              + THIS_VERSION);
    }
    if (found.getInt(CRC) != crc(found)) {
      throw damaged(path, "the checksum of its header is wrong");
    }
    ByteBuffer uuid = found.duplicate().order(ByteOrder.BIG_ENDIAN);
    return new FileHeader(
        magic,
        new ChunkGeometry(
            found.getLong(CAPACITY), found.getInt(CHUNK_SHIFT), found.getInt(PAGE_SHIFT)),
        found.getInt(COUNT),
        new UUID(uuid.getLong(SNAPSHOT), uuid.getLong(SNAPSHOT + Long.BYTES)));
  }

  /** EFAULT where another header is expected. */
  void verify(FileHeader expected, Path path) throws BlksnapException {
    if (!snapshot.equals(expected.snapshot)) {
      throw damaged(path, "it belongs to snapshot " + snapshot + ", not to " + expected.snapshot);
    }
    if (geometry.capacity() != expected.geometry.capacity()) {
      throw damaged(
          path,
          "it is for "
              + geometry.capacity()
              + " bytes, the device had "
              + expected.geometry.capacity());
    }
    if (!equals(expected)) {
      throw damaged(path, "it says " + this + ", must say " + expected);
    }
  }

  static BlksnapException damaged(Path file, String why) {
    return new BlksnapException(
        Errno.EFAULT,
        file.getFileName() + " refused: " + why + "; the snapshot of this device is lost");
  }

  private static int crc(ByteBuffer header) {
    CRC32C crc = new CRC32C();
    ByteBuffer covered = header.duplicate();
    covered.position(0).limit(CRC);
    crc.update(covered);
    return (int) crc.getValue();
  }
}

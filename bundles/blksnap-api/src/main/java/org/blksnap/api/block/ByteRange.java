// SPDX-License-Identifier: Apache-2.0
package org.blksnap.api.block;

/**
 * A range of bytes, {@code [offset, offset + length)}. Both are zero or more, and their sum fits a
 * long.
 *
 * @param offset first byte
 * @param length number of bytes; zero is an empty range
 */
public record ByteRange(long offset, long length) {
  /** The unit of the kernel's interface: 512 bytes, whatever the device's logical block. */
  public static final int SECTOR = 512;

  public ByteRange {
    if (offset < 0 || length < 0 || offset > Long.MAX_VALUE - length) {
      throw new IllegalArgumentException(
          "range offset "
              + offset
              + " length "
              + length
              + ": both must be 0 or more and their sum below 2^63");
    }
  }

  /** A range given in 512-byte sectors, as the kernel interface does. */
  public static ByteRange ofSectors(long sector, long count) {
    return new ByteRange(Math.multiplyExact(sector, SECTOR), Math.multiplyExact(count, SECTOR));
  }

  /** First byte behind the range. */
  public long end() {
    return offset + length;
  }

  /** True where the two share at least one byte. */
  public boolean overlaps(ByteRange other) {
    return offset < other.end() && other.offset < end();
  }
}

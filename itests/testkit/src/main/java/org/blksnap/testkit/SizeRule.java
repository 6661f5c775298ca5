// SPDX-License-Identifier: Apache-2.0
package org.blksnap.testkit;

/**
 * How a block size follows from a capacity (reference, section 3), told a second time.
 *
 * @param minimumShift smallest block, power of two of bytes
 * @param maximumCount most blocks before the size is doubled
 * @param maximumShift largest block
 */
public record SizeRule(int minimumShift, long maximumCount, int maximumShift) {
  /** Bytes of a block; {@code minimumIo} is 0 for tracking blocks. */
  public int blockSize(long capacity, int minimumIo) {
    int shift = Math.min(minimumShift, maximumShift);
    while (shift < maximumShift
        && (count(capacity, 1L << shift) > maximumCount || 1L << shift < minimumIo)) {
      shift++;
    }
    return 1 << shift;
  }

  private static long count(long capacity, long size) {
    return (capacity + size - 1) / size;
  }
}

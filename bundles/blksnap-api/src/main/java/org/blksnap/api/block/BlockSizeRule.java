// SPDX-License-Identifier: Apache-2.0
package org.blksnap.api.block;

/**
 * How a block size follows from a capacity (reference, section 3); the same for tracking blocks and
 * chunks.
 *
 * @param minimumShift smallest block, power of two of bytes
 * @param maximumCount most blocks before the size is doubled
 * @param maximumShift largest block; reaching it, the count may exceed its maximum
 */
public record BlockSizeRule(int minimumShift, long maximumCount, int maximumShift) {
  /**
   * The shift for a capacity in bytes. {@code minimumIo} is the device's minimum I/O size for
   * chunks, and 0 for tracking blocks, which do not look at it.
   */
  public int shiftFor(long capacity, int minimumIo) {
    int shift = Math.min(minimumShift, maximumShift);
    while ((blocks(capacity, shift) > maximumCount || (1L << shift) < minimumIo)
        && shift < maximumShift) {
      shift++;
    }
    return shift;
  }

  /** Blocks of {@code 2^shift} bytes needed for a capacity, rounded up. */
  public static long blocks(long capacity, int shift) {
    long whole = capacity >>> shift;
    return (whole << shift) == capacity ? whole : whole + 1;
  }
}

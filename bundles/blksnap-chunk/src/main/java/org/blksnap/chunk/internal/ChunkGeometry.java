// SPDX-License-Identifier: Apache-2.0
package org.blksnap.chunk.internal;

import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.BlockSizeRule;
import org.blksnap.api.block.Errno;

/**
 * How a device is cut into chunks, and a chunk into pages, its copy units. A set of pages of one
 * chunk is a {@code long}, bit 0 the first page. A chunk has 64 pages, or fewer where they would
 * become smaller than {@link #SMALLEST_PAGE_SHIFT}; the last chunk and its last page end with the
 * device.
 *
 * @param capacity bytes of the device
 * @param chunkShift chunk size, power of two
 * @param pageShift page size, power of two
 * @param chunkCount number of chunks, the last one perhaps short
 */
record ChunkGeometry(long capacity, int chunkShift, int pageShift, int chunkCount) {
  /** Copying less than a page of memory is no cheaper. */
  static final int SMALLEST_PAGE_SHIFT = 12;

  /** So that a chunk's size and its buffer's index fit an int. */
  static final int LARGEST_CHUNK_SHIFT = 30;

  private static final int PAGES_SHIFT = 6;

  static ChunkGeometry of(long capacity, BlockSizeRule rule, int minimumIo)
      throws BlksnapException {
    int shift = rule.shiftFor(capacity, minimumIo);
    if (capacity < 0 || shift < 0 || shift > LARGEST_CHUNK_SHIFT) {
      throw new BlksnapException(
          Errno.EINVAL,
          "chunks of 2^"
              + shift
              + " bytes for a device of "
              + capacity
              + " bytes refused: at most 2^"
              + LARGEST_CHUNK_SHIFT
              + " are possible; lower chunk_minimum_shift or chunk_maximum_shift");
    }
    long count = BlockSizeRule.blocks(capacity, shift);
    if (count > Integer.MAX_VALUE - 1) {
      throw new BlksnapException(
          Errno.EFBIG,
          count
              + " chunks of 2^"
              + shift
              + " bytes refused: at most "
              + (Integer.MAX_VALUE - 1)
              + " are possible; raise chunk_maximum_shift");
    }
    int page = Math.max(shift - PAGES_SHIFT, Math.min(shift, SMALLEST_PAGE_SHIFT));
    return new ChunkGeometry(capacity, shift, page);
  }

  /** With the count that follows. */
  ChunkGeometry(long capacity, int chunkShift, int pageShift) {
    this(capacity, chunkShift, pageShift, (int) BlockSizeRule.blocks(capacity, chunkShift));
  }

  int chunkSize() {
    return 1 << chunkShift;
  }

  int chunkOf(long offset) {
    return (int) (offset >>> chunkShift);
  }

  long start(int chunk) {
    return (long) chunk << chunkShift;
  }

  /** Where in its chunk a byte of the device lies. */
  int within(long offset) {
    return (int) (offset & (chunkSize() - 1));
  }

  /** Bytes of the device that lie in the chunk. */
  int length(int chunk) {
    return (int) Math.min(chunkSize(), capacity - start(chunk));
  }

  /** The chunk's bytes that lie before {@code end} of the device. */
  int upTo(int chunk, long end) {
    return (int) Math.min(chunkSize(), end - start(chunk));
  }

  /** Pages touched by the chunk's bytes {@code [from, to)}, which are not none. */
  long pages(int from, int to) {
    return (-1L << (from >>> pageShift)) & (-1L >>> (63 - ((to - 1) >>> pageShift)));
  }

  /** Pages wholly covered by the chunk's bytes {@code [from, to)}; a page ends with the device. */
  long wholePages(int chunk, int from, int to) {
    int first = (from + (1 << pageShift) - 1) >>> pageShift;
    int end = to == length(chunk) ? ((to - 1) >>> pageShift) + 1 : to >>> pageShift;
    return first >= end ? 0 : (-1L << first) & (-1L >>> (64 - end));
  }

  /** All pages of a chunk. */
  long allPages(int chunk) {
    return pages(0, length(chunk));
  }

  /** First byte, in the chunk, of the first run of a set of pages. */
  int runStart(long pages) {
    return Long.numberOfTrailingZeros(pages) << pageShift;
  }

  /** First byte behind the first run of a set of pages, not beyond the device. */
  int runEnd(int chunk, long pages) {
    return (int) Math.min((long) endOfRun(pages) << pageShift, length(chunk));
  }

  /** A set of pages without its first run. */
  static long afterRun(long pages) {
    int end = endOfRun(pages);
    return end >= Long.SIZE ? 0 : pages & (-1L << end);
  }

  private static int endOfRun(long pages) {
    int first = Long.numberOfTrailingZeros(pages);
    return first + Long.numberOfTrailingZeros(~(pages >>> first));
  }

  /** Bytes of the device in a set of pages of a chunk. */
  long bytes(int chunk, long pages) {
    long whole = (long) Long.bitCount(pages) << pageShift;
    int last = (length(chunk) - 1) >>> pageShift;
    boolean withLast = (pages >>> last & 1) != 0;
    return withLast ? whole - (((long) (last + 1) << pageShift) - length(chunk)) : whole;
  }
}

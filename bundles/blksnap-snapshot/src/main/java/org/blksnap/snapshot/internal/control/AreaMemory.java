// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal.control;

import org.blksnap.linux.proc.MemoryTable;

/** How much memory the files of one diff area take at most (FORMATS, "Diff area"). */
final class AreaMemory {
  /** In the chunk map: where, which and zero. */
  private static final long BYTES_A_CHUNK = 3 * 8;

  private static final long HEADERS = 1L << 20;
  private static final long FEWEST_SLOTS = 4;
  private static final long MOST_SLOTS = 1024;
  private static final long LEAST_BUFFERS = 16L << 20;
  private static final long MOST_BUFFERS = 256L << 20;
  private static final long SHARE = 32;

  private AreaMemory() {}

  /** Bytes for an area of so many chunks of so many bytes each. */
  static long of(long chunks, long chunkSize) {
    return of(chunks, chunkSize, MemoryTable.now());
  }

  /** What is available is never more than the total, which goes in where it is known. */
  static long of(long chunks, long chunkSize, MemoryTable memory) {
    long share = memory.total().orElse(MOST_BUFFERS * SHARE) / SHARE;
    long budget = Math.max(LEAST_BUFFERS, Math.min(MOST_BUFFERS, share));
    long slots = Math.max(FEWEST_SLOTS, Math.min(MOST_SLOTS, budget / chunkSize));
    return HEADERS + chunks * BYTES_A_CHUNK + Math.min(slots, chunks) * chunkSize;
  }
}

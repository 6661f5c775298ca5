// SPDX-License-Identifier: Apache-2.0
package org.blksnap.chunk.internal;

import org.blksnap.linux.proc.MemoryTable;

/**
 * How much memory the buffers of one diff area may take: a share of what the machine has to give
 * when the area is made. The buffers are pages of a mapped file, so the heap does not count, and
 * what is not written to yet is given back by the kernel under pressure.
 */
final class BufferBudget {
  /** The share of the available memory one area may take. */
  static final int SHARE = 32;

  /** Bytes; a machine with less to give still needs something to absorb a burst. */
  static final long LEAST = 16L << 20;

  /** Bytes; more only makes what a kill leaves behind longer to store. */
  static final long MOST = 256L << 20;

  private BufferBudget() {}

  /** Bytes for one area made now. */
  static long now() {
    return of(MemoryTable.now());
  }

  /** Bytes for one area, as the machine's memory stands. */
  static long of(MemoryTable memory) {
    long available = memory.available().orElse(0);
    return Math.max(LEAST, Math.min(MOST, available / SHARE));
  }
}

// SPDX-License-Identifier: Apache-2.0
package org.blksnap.tracker.internal;

import java.util.concurrent.atomic.AtomicLongArray;

/**
 * Which blocks' marks are known to be on disk in one epoch: a bit a block for the write map, and
 * one for both maps. A thread that finds the bit clear forces the mark itself, also where another
 * one is about to: so none returns early, and no lock is needed.
 */
final class DurableBits {
  private final AtomicLongArray marked;
  private final AtomicLongArray markedInBoth;

  DurableBits(long blocks) {
    int words = (int) ((blocks + Long.SIZE - 1) / Long.SIZE);
    marked = new AtomicLongArray(words);
    markedInBoth = new AtomicLongArray(words);
  }

  /** Marks in the write map, the saved bytes on disk before the mark is. */
  void mark(MarkTable table, long from, long to, int active) {
    if (allSet(marked, from, to)) {
      return;
    }
    table.save(from, to, active);
    table.forceRead(from, to);
    table.mark(from, to, active);
    table.forceWrite(from, to);
    set(marked, from, to);
  }

  /** Marks in both maps. */
  void markBoth(MarkTable table, long from, long to, int active) {
    if (allSet(markedInBoth, from, to)) {
      return;
    }
    table.raise(from, to, active);
    table.forceRead(from, to);
    table.mark(from, to, active);
    table.forceWrite(from, to);
    set(marked, from, to);
    set(markedInBoth, from, to);
  }

  private static boolean allSet(AtomicLongArray bits, long from, long to) {
    for (long block = from; block < to; ) {
      long mask = mask(block, to);
      if ((bits.get((int) (block >>> 6)) & mask) != mask) {
        return false;
      }
      block = (block | 63) + 1;
    }
    return true;
  }

  private static void set(AtomicLongArray bits, long from, long to) {
    for (long block = from; block < to; ) {
      long mask = mask(block, to);
      bits.accumulateAndGet((int) (block >>> 6), mask, (a, b) -> a | b);
      block = (block | 63) + 1;
    }
  }

  private static long mask(long block, long to) {
    long mask = -1L << (block & 63);
    long end = to - (block & -64L);
    return end >= Long.SIZE ? mask : mask & ((1L << end) - 1);
  }
}

// SPDX-License-Identifier: Apache-2.0
package org.blksnap.kernel.internal.memory;

import java.util.ArrayList;
import java.util.List;
import java.util.function.LongConsumer;
import java.util.function.LongSupplier;
import org.blksnap.api.block.ByteRange;

/**
 * Difference storage, by the rules of the interface (reference, section 7): whole chunks, in order,
 * never across two ranges; one event asks when half a portion is left, the next one not before all
 * that was asked for is given.
 */
final class MemorySpace {
  private final LongSupplier portion;
  private final LongConsumer ask;
  private final List<ByteRange> ranges = new ArrayList<>();
  private int current;
  private long usedOfCurrent;
  private long capacity;
  private long filled;
  private long requested;

  /** {@code portion} answers bytes; {@code ask} is told bytes. */
  MemorySpace(LongSupplier portion, LongConsumer ask) {
    this.portion = portion;
    this.ask = ask;
    this.requested = portion.getAsLong();
  }

  /** At the creation. */
  void askFirst() {
    ask.accept(requested);
  }

  boolean isEmpty() {
    return ranges.isEmpty();
  }

  long capacity() {
    return capacity;
  }

  void append(List<ByteRange> more) {
    ranges.addAll(more);
    capacity += more.stream().mapToLong(ByteRange::length).sum();
    askAgain();
  }

  boolean allocate(long bytes) {
    while (current < ranges.size() && ranges.get(current).length() - usedOfCurrent < bytes) {
      if (current == ranges.size() - 1) {
        return false;
      }
      filled += ranges.get(current).length() - usedOfCurrent;
      current++;
      usedOfCurrent = 0;
    }
    if (current >= ranges.size()) {
      return false;
    }
    usedOfCurrent += bytes;
    filled += bytes;
    askAgain();
    return true;
  }

  private void askAgain() {
    long more = portion.getAsLong();
    if (requested - filled <= more / 2 && capacity >= requested) {
      requested += more;
      ask.accept(more);
    }
  }
}

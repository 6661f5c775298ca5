// SPDX-License-Identifier: Apache-2.0
package org.blksnap.chunk.internal;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.util.concurrent.locks.ReentrantLock;

/** The lock of some chunks, and the list of the slots that hold some of them. */
final class Stripe {
  final ReentrantLock lock = new ReentrantLock();

  private final BufferSlots slots;

  /** The next slot of a list, by slot; shared by all stripes, as a slot is in one list at most. */
  private final int[] next;

  @GuardedBy("lock")
  private int first = BufferSlots.NONE;

  Stripe(BufferSlots slots, int[] next) {
    this.slots = slots;
    this.next = next;
  }

  /** The slot that holds the chunk, or none. */
  @GuardedBy("lock")
  int find(int chunk) {
    int slot = first;
    while (slot != BufferSlots.NONE && slots.chunk(slot) != chunk) {
      slot = next[slot];
    }
    return slot;
  }

  @GuardedBy("lock")
  void link(int slot) {
    next[slot] = first;
    first = slot;
  }

  /** One that was linked. */
  @GuardedBy("lock")
  void unlink(int slot) {
    if (first == slot) {
      first = next[slot];
      return;
    }
    int before = first;
    while (next[before] != slot) {
      before = next[before];
    }
    next[before] = next[slot];
  }
}

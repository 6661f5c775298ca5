// SPDX-License-Identifier: Apache-2.0
package org.blksnap.chunk.internal;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;

/**
 * Which slots are to be stored, and which are being stored: one store thread a slot at most.
 *
 * <pre>
 *  idle ──ready──▶ ready ──claim──▶ busy ──done──▶ idle
 *                    ▲───────again───┘
 * </pre>
 *
 * <p>{@link #ready} and {@link #done} are called under the lock of the chunk the slot holds.
 */
final class StoreClaims {
  private static final int IDLE = 0;
  private static final int READY = 1;
  private static final int BUSY = 2;

  private final AtomicIntegerArray states;

  /** Where the next look for any ready slot begins, so that none is passed over for long. */
  private final AtomicInteger cursor = new AtomicInteger();

  StoreClaims(int slots) {
    states = new AtomicIntegerArray(slots);
  }

  /** The slot holds pages now. */
  void ready(int slot) {
    states.set(slot, READY);
  }

  /** True: the caller stores it. */
  boolean claim(int slot) {
    return states.get(slot) == READY && states.compareAndSet(slot, READY, BUSY);
  }

  /** Any ready slot, now the caller's to store, or {@link BufferSlots#NONE}. */
  int claimAny() {
    int slots = states.length();
    int from = cursor.get();
    for (int i = 0; i < slots; i++) {
      int slot = (from + i) % slots;
      if (claim(slot)) {
        cursor.set((slot + 1) % slots);
        return slot;
      }
    }
    return BufferSlots.NONE;
  }

  boolean busy(int slot) {
    return states.get(slot) == BUSY;
  }

  /** Some slot is being stored. */
  boolean anyBusy() {
    for (int slot = 0; slot < states.length(); slot++) {
      if (busy(slot)) {
        return true;
      }
    }
    return false;
  }

  /** The claimed slot holds something still. */
  void again(int slot) {
    states.set(slot, READY);
  }

  /** The claimed slot holds nothing any more. */
  void done(int slot) {
    states.set(slot, IDLE);
  }
}

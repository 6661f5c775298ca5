// SPDX-License-Identifier: Apache-2.0
package org.blksnap.chunk.internal;

import java.io.IOException;

/**
 * What a live write does to one chunk before it may go down: pages that are still new become saved
 * ones. The order is told in {@link SavedChunks}.
 *
 * <p><b>Zeroes</b> take no space. Where many pages are wanted at once, as by a discard, the live
 * device is asked for a hole first; whatever else is read is looked at before it is kept. Both
 * happen under the lock and with the bits clear, when no live write to these pages can go down.
 */
final class LiveSave {
  /** The answer of a save that did not come about. */
  static final long SENT_AWAY = -1;

  /** Pages wanted at once from which on the live device is asked for a hole before it is read. */
  static final int HOLE_FROM = 16;

  private final ChunkGeometry geometry;
  private final ChunkMap map;
  private final BufferSlots slots;
  private final SavedChunks saved;
  private final LivePages live;
  private final SlotWaits waits;
  private final AreaState state;
  private final Corruption corruption;

  LiveSave(
      ChunkGeometry geometry,
      ChunkMap map,
      BufferSlots slots,
      SavedChunks saved,
      LivePages live,
      SlotWaits waits,
      AreaState state,
      Corruption corruption) {
    this.geometry = geometry;
    this.map = map;
    this.slots = slots;
    this.saved = saved;
    this.live = live;
    this.waits = waits;
    this.state = state;
    this.corruption = corruption;
  }

  /**
   * Saves what is still new of the wanted pages, and waits for slots for {@code left} nanoseconds
   * at most. Afterwards they are saved, or the area is corrupted or gone, and the answer is what
   * remains of {@code left}; {@link #SENT_AWAY} where the area ended or the wait for a slot was
   * ended before: then the live write must not go down. Nothing is thrown, no {@link Error} either:
   * a live write does not end for a snapshot that found no memory.
   */
  long save(int chunk, long wanted, long left) {
    long remains = left;
    int taken = BufferSlots.NONE;
    try {
      Stripe stripe = saved.stripeOf(chunk);
      boolean done = false;
      while (!done && !corruption.happened()) {
        stripe.lock.lock();
        try {
          if (!state.open()) {
            return state.gone() ? remains : SENT_AWAY;
          }
          long missing = wanted & ~map.which(chunk);
          if (Long.bitCount(missing) >= HOLE_FROM && live.hole(chunk, missing)) {
            saved.publishZero(chunk, missing);
            missing = 0;
          }
          int held = missing == 0 ? BufferSlots.NONE : stripe.find(chunk);
          if (missing != 0 && held == BufferSlots.NONE && taken == BufferSlots.NONE) {
            taken = waits.tryTake();
          }
          int slot = held == BufferSlots.NONE ? taken : held;
          if (missing == 0) {
            done = true;
          } else if (slot != BufferSlots.NONE) {
            live.load(slot, chunk, missing);
            long zero = zeroes(slot, chunk, missing);
            if (zero != 0) {
              saved.publishZero(chunk, zero);
            }
            if (missing != zero && saved.into(slot, chunk, missing & ~zero)) {
              taken = BufferSlots.NONE;
            }
            done = true;
          }
        } finally {
          stripe.lock.unlock();
        }
        if (!done) {
          SlotQueue.Ticket ticket = new SlotQueue.Ticket();
          long begun = System.nanoTime();
          SlotQueue.End end;
          try {
            end = waits.awaitForLive(ticket, remains);
          } finally {
            taken = ticket.slot();
          }
          if (end == SlotQueue.End.SENT_AWAY) {
            return SENT_AWAY;
          }
          remains = Math.max(0, remains - (System.nanoTime() - begun));
        }
      }
    } catch (IOException | RuntimeException | Error e) {
      corruption.corrupt("old data of chunk " + chunk + " could not be read", e);
    } finally {
      waits.giveBack(taken);
    }
    return remains;
  }

  /** Those of the pages that hold nothing but zeroes in the slot. */
  private long zeroes(int slot, int chunk, long pages) {
    long zero = 0;
    for (long rest = pages; rest != 0; rest &= rest - 1) {
      long page = Long.lowestOneBit(rest);
      int from = geometry.runStart(page);
      int to = geometry.runEnd(chunk, page);
      if (Zeroes.only(slots.view(slot, from, to), from, to)) {
        zero |= page;
      }
    }
    return zero;
  }
}

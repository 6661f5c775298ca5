// SPDX-License-Identifier: Apache-2.0
package org.blksnap.chunk.internal;

import java.util.concurrent.TimeUnit;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;

/**
 * What becomes of a write that finds no free slot. A live write waits at most the stall limit, all
 * its waits together; what it cannot wait for corrupts the area, and then nobody waits any more. An
 * image write is of no account to a live one: it is refused, and never corrupts.
 *
 * <p>Left out on purpose: a way around the slots. Who writes to the storage itself hangs with it,
 * and nobody could end that wait. No state; any thread, without a lock of a chunk.
 */
final class SlotWaits {
  private final BufferSlots slots;
  private final SlotQueue queue;
  private final Corruption corruption;
  private final RoomLack lack;
  private final long stallNanos;

  SlotWaits(
      BufferSlots slots, SlotQueue queue, Corruption corruption, RoomLack lack, long stallNanos) {
    this.slots = slots;
    this.queue = queue;
    this.corruption = corruption;
    this.lack = lack;
    this.stallNanos = stallNanos;
  }

  /** A free slot, now the caller's, or none; under the lock of a chunk too. */
  int tryTake() {
    return queue.tryTake();
  }

  /** A slot that was taken and not used; or none. */
  void giveBack(int slot) {
    if (slot != BufferSlots.NONE) {
      queue.release(slot);
    }
  }

  /**
   * ENOSPC: the storage has no room and no buffer is left. EIO: none was free for the stall limit.
   * EAGAIN: sent away.
   */
  void awaitForImage(SlotQueue.Ticket ticket, int chunk) throws BlksnapException {
    SlotQueue.End end = queue.await(ticket, stallNanos);
    if (ticket.slot() != BufferSlots.NONE) {
      return;
    }
    switch (end) {
      case SENT_AWAY:
        throw SavedChunks.sentAway(chunk);
      case STALLED:
        throw new BlksnapException(
            Errno.EIO,
            "chunk "
                + chunk
                + " was not written: all "
                + slots.backed()
                + " chunk buffers wait for the difference storage, and none became free for "
                + TimeUnit.NANOSECONDS.toMillis(stallNanos)
                + " ms; repeat it when the storage answers");
      case FULL:
        BlksnapException why = lack.why();
        if (why != null) {
          throw new BlksnapException(
              Errno.ENOSPC,
              "chunk "
                  + chunk
                  + " was not written: no buffer and no storage is left; give the snapshot storage: "
                  + why.getMessage(),
              why);
        }
        return;
      default:
        return;
    }
  }

  /**
   * For a live write that has waited for all but {@code left} of the stall limit: without a slot
   * then the area is corrupted, and nobody waits any more.
   */
  SlotQueue.End awaitForLive(SlotQueue.Ticket ticket, long left) {
    SlotQueue.End end = queue.await(ticket, left);
    if (end == SlotQueue.End.STALLED) {
      corruption.corrupt(
          Errno.EIO,
          "the difference storage stalled: all "
              + slots.backed()
              + " chunk buffers wait, and a live write waited for them for "
              + TimeUnit.NANOSECONDS.toMillis(stallNanos)
              + " ms");
    } else if (end == SlotQueue.End.FULL) {
      BlksnapException why = lack.why();
      if (why != null) {
        corruption.corrupt("no buffer is free, and old data could not be stored", why);
      }
    }
    return end;
  }
}

// SPDX-License-Identifier: Apache-2.0
package org.blksnap.chunk.internal;

import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;

/**
 * The keeper: the state of every chunk, behind verbs that each do one whole chunk.
 *
 * <p><b>A page</b> is new (its bit in {@code which} is clear), or saved, and then one of three: in
 * memory (in the pages of the slot that holds its chunk), zero (in {@code zero}, and nowhere else),
 * or stored (it lies at {@code where}). Memory wins over zero, zero over the storage. A live write
 * makes new pages saved ones, in memory or zero, and changes nothing else; the store threads make
 * pages in memory stored ones; an image write may lead from any of the saved kinds to memory or
 * zero.
 *
 * <p><b>Order of a save</b> ({@link LiveSave}), under the lock of the chunk: the old content is
 * read from the live device into the slot; the slot's owner; the slot's pages; {@code which};
 * {@code zero} is taken back where it was set; a full fence; then only the live write may go down.
 * For a page of zeroes: {@code zero}; {@code which}; the fence. All of it is in mapped files, so a
 * killed process leaves either a clear bit and the old content on the device, or a set bit and the
 * content saved.
 *
 * <p><b>Locks.</b> Chunks share {@link #STRIPES} locks; slots that hold chunks of one stripe are
 * linked from it. A lock is held while the live device is read, never while the storage is used and
 * never while waiting for a slot: the storage may hang without holding up a live write to anything
 * else than new pages. Stored pages need no lock at all, as nothing moves them.
 *
 * <p><b>Storing</b> runs outside the lock: {@link #beginStore} notes the pages, {@link #endStore}
 * forgets those that no image write has touched meanwhile; the others stay in memory and are stored
 * again. {@link StoreClaims} sees to it that a slot is stored by one thread.
 *
 * <p><b>The end.</b> Saves and stores look at {@link AreaState} under the lock. So once the area
 * has ended, and each lock was free once ({@link #drain}), nothing of it changes any more.
 *
 * <p>Left out on purpose: no state for "failed" (an error is the whole area's), no reference counts
 * (the gate of the device keeps users out when an area is closed).
 */
final class SavedChunks {
  static final int STRIPES = 256;

  private final ChunkGeometry geometry;
  private final ChunkMap map;
  private final BufferSlots slots;
  private final SlotQueue queue;
  private final StoreClaims claims;
  private final StoreSignal signal;
  private final AreaState state;
  private final Stripe[] stripes = new Stripe[STRIPES];

  /** Pages overwritten since their storing began; guarded by the stripe of the slot's chunk. */
  private final long[] touched;

  private final LongAdder savedChunks = new LongAdder();
  private final LongAdder savedBytes = new LongAdder();

  SavedChunks(
      ChunkGeometry geometry,
      ChunkMap map,
      BufferSlots slots,
      SlotQueue queue,
      StoreClaims claims,
      StoreSignal signal,
      AreaState state) {
    this.geometry = geometry;
    this.map = map;
    this.slots = slots;
    this.queue = queue;
    this.claims = claims;
    this.signal = signal;
    this.state = state;
    this.touched = new long[slots.slots()];
    int[] next = new int[slots.slots()];
    Arrays.setAll(stripes, i -> new Stripe(slots, next));
  }

  /** The set of saved pages; no lock. */
  long saved(int chunk) {
    return map.which(chunk);
  }

  long savedChunkCount() {
    return savedChunks.sum();
  }

  long savedByteCount() {
    return savedBytes.sum();
  }

  /**
   * Pages whose content is in the slot become saved pages in memory; under the lock of the chunk.
   * True where the slot was the caller's, and now holds the chunk.
   */
  boolean into(int slot, int chunk, long pages) {
    boolean first = slots.chunk(slot) == BufferSlots.NONE;
    if (first) {
      slots.hold(slot, chunk);
      linkOnly(slot, chunk);
    }
    slots.pages(slot, slots.pages(slot) | pages);
    touched[slot] |= pages;
    long before = map.which(chunk);
    map.which(chunk, before | pages);
    long zero = map.zero(chunk);
    if ((zero & pages) != 0) {
      map.zero(chunk, zero & ~pages);
    }
    VarHandle.fullFence();
    count(chunk, before, before | pages);
    if (first) {
      claims.ready(slot);
      signal.enqueued();
    }
    return first;
  }

  /** Pages become saved pages of zeroes; under the lock of the chunk. */
  void publishZero(int chunk, long pages) {
    map.zero(chunk, map.zero(chunk) | pages);
    long before = map.which(chunk);
    map.which(chunk, before | pages);
    VarHandle.fullFence();
    count(chunk, before, before | pages);
  }

  /** The chunk's saved pages are more than before. */
  void count(int chunk, long before, long now) {
    savedBytes.add(geometry.bytes(chunk, now & ~before));
    if (before == 0 && now != 0) {
      savedChunks.increment();
    }
  }

  /** A slot that holds pages of the chunk from before. */
  void link(int slot, int chunk) {
    linkOnly(slot, chunk);
    claims.ready(slot);
    signal.enqueued();
  }

  private void linkOnly(int slot, int chunk) {
    Stripe stripe = stripeOf(chunk);
    stripe.lock.lock();
    try {
      stripe.link(slot);
    } finally {
      stripe.lock.unlock();
    }
  }

  /** The lock of the chunk, and the slots that are found under it. */
  Stripe stripeOf(int chunk) {
    return stripes[chunk % STRIPES];
  }

  /** The slot that holds the chunk, or none. */
  int slotOf(int chunk) {
    Stripe stripe = stripeOf(chunk);
    stripe.lock.lock();
    try {
      return stripe.find(chunk);
    } finally {
      stripe.lock.unlock();
    }
  }

  /** Under the lock of the chunk: EAGAIN where the area has ended. */
  void requireOpen(int chunk) throws BlksnapException {
    if (!state.open()) {
      throw sentAway(chunk);
    }
  }

  static BlksnapException sentAway(int chunk) {
    return new BlksnapException(
        Errno.EAGAIN, "chunk " + chunk + " was not written: its diff area is let go; come again");
  }

  /**
   * Copies from memory into {@code dst}, beginning with the byte {@code from} of the chunk and at
   * most to {@code to}, or fills in what is known to be zero; 0 where the page of that byte is
   * neither.
   */
  int copyFromMemory(int chunk, int from, int to, ByteBuffer dst) {
    Stripe stripe = stripeOf(chunk);
    stripe.lock.lock();
    try {
      int slot = stripe.find(chunk);
      int end = slot == BufferSlots.NONE ? from : runFrom(chunk, slots.pages(slot), from, to);
      if (end > from) {
        dst.put(slots.view(slot, from, end));
        return end - from;
      }
      end = runFrom(chunk, map.zero(chunk), from, to);
      for (int at = from; at < end; at += Zeroes.PIECE) {
        dst.put(Zeroes.of(end - at));
      }
      return end - from;
    } finally {
      stripe.lock.unlock();
    }
  }

  /** Bytes that are stored, from the byte {@code from} of the chunk on, at most to {@code to}. */
  int storedBytes(int chunk, int from, int to) {
    Stripe stripe = stripeOf(chunk);
    long stored;
    stripe.lock.lock();
    try {
      int slot = stripe.find(chunk);
      stored = map.which(chunk) & ~map.zero(chunk);
      stored &= slot == BufferSlots.NONE ? -1L : ~slots.pages(slot);
    } finally {
      stripe.lock.unlock();
    }
    return runFrom(chunk, stored, from, to) - from;
  }

  /** Storage address of a chunk with stored pages. */
  long address(int chunk) {
    return map.where(chunk);
  }

  /** By a store thread: the pages it is to store from the slot it has claimed. */
  long beginStore(int slot) {
    Stripe stripe = stripeOf(slots.chunk(slot));
    stripe.lock.lock();
    try {
      touched[slot] = 0;
      return slots.pages(slot);
    } finally {
      stripe.lock.unlock();
    }
  }

  /** By the store thread that has claimed its slot: the chunk's address from now on. */
  void place(int chunk, long address) throws BlksnapException {
    Stripe stripe = stripeOf(chunk);
    stripe.lock.lock();
    try {
      requireOpen(chunk);
      map.where(chunk, address);
    } finally {
      stripe.lock.unlock();
    }
  }

  /** By the store thread: these pages are at the chunk's address now. */
  void endStore(int slot, long stored) {
    Stripe stripe = stripeOf(slots.chunk(slot));
    boolean freed = false;
    stripe.lock.lock();
    try {
      if (!state.open()) {
        return;
      }
      long left = slots.pages(slot) & (~stored | touched[slot]);
      slots.pages(slot, left);
      if (left == 0) {
        stripe.unlink(slot);
        claims.done(slot);
        freed = true;
      } else {
        claims.again(slot);
      }
    } finally {
      stripe.lock.unlock();
    }
    if (freed) {
      signal.dequeued();
      queue.release(slot);
    }
  }

  private int runFrom(int chunk, long pages, int from, int to) {
    long rest = pages & (-1L << (from >>> geometry.pageShift()));
    if (rest == 0 || geometry.runStart(rest) > from) {
      return from;
    }
    return Math.min(to, geometry.runEnd(chunk, rest));
  }

  /**
   * After the area ended: returns once nobody is in the middle of a chunk, so that nothing of it
   * changes any more; false where somebody still is at the deadline.
   */
  boolean drain(long deadline) {
    boolean drained = true;
    boolean interrupted = false;
    for (Stripe stripe : stripes) {
      boolean got = false;
      while (!got && deadline - System.nanoTime() > 0) {
        try {
          got = stripe.lock.tryLock(deadline - System.nanoTime(), TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
      if (got || stripe.lock.tryLock()) {
        stripe.lock.unlock();
      } else {
        drained = false;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
    return drained;
  }
}

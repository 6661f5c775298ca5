// SPDX-License-Identifier: Apache-2.0
package org.blksnap.chunk.internal;

import java.io.IOException;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.ReentrantLock;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.spi.chunk.LiveReader;

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
 * <p><b>Order of a save</b>, under the lock of the chunk: the old content is read from the live
 * device into the slot; the slot's owner; the slot's pages; {@code which}; {@code zero} is taken
 * back where it was set; a full fence; then only the live write may go down. For a page of zeroes:
 * {@code zero}; {@code which}; the fence. All of it is in mapped files, so a killed process leaves
 * either a clear bit and the old content on the device, or a set bit and the content saved.
 *
 * <p><b>Zeroes</b> take no space. Where many pages are wanted at once, as by a discard, the live
 * device is asked for a hole first; whatever else is read is looked at before it is kept. Both
 * happen under the lock and with the bits clear, when no live write to these pages can go down.
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
 * (the gate of the device keeps users out when an area is closed), and no way around the slots for
 * a write that finds none: who writes to the storage itself hangs with it, and nobody could end
 * that wait.
 */
final class SavedChunks {
  static final int STRIPES = 256;

  /** The answer of a save that did not come about. */
  static final long SENT_AWAY = -1;

  /** Pages wanted at once from which on the live device is asked for a hole before it is read. */
  static final int HOLE_FROM = 16;

  private final ChunkGeometry geometry;
  private final ChunkMap map;
  private final BufferSlots slots;
  private final SlotQueue queue;
  private final StoreClaims claims;
  private final StoreSignal signal;
  private final AreaState state;
  private final LiveReader live;
  private final Corruption corruption;
  private final RoomLack lack;
  private final long stallNanos;
  private final Stripe[] stripes = new Stripe[STRIPES];

  /** Pages overwritten since their storing began; guarded by the stripe of the slot's chunk. */
  private final long[] touched;

  private final LongAdder savedChunks = new LongAdder();
  private final LongAdder savedBytes = new LongAdder();
  private final LongAdder copiedBytes = new LongAdder();

  SavedChunks(
      ChunkGeometry geometry,
      ChunkMap map,
      BufferSlots slots,
      SlotQueue queue,
      StoreClaims claims,
      StoreSignal signal,
      AreaState state,
      LiveReader live,
      Corruption corruption,
      RoomLack lack,
      long stallNanos) {
    this.geometry = geometry;
    this.map = map;
    this.slots = slots;
    this.queue = queue;
    this.claims = claims;
    this.signal = signal;
    this.state = state;
    this.live = live;
    this.corruption = corruption;
    this.lack = lack;
    this.stallNanos = stallNanos;
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

  long copiedByteCount() {
    return copiedBytes.sum();
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
      Stripe stripe = stripes[chunk % STRIPES];
      boolean done = false;
      while (!done && !corruption.happened()) {
        stripe.lock.lock();
        try {
          if (!state.open()) {
            return state.gone() ? remains : SENT_AWAY;
          }
          long missing = wanted & ~map.which(chunk);
          if (Long.bitCount(missing) >= HOLE_FROM && hole(chunk, missing)) {
            publishZero(chunk, missing);
            missing = 0;
          }
          int held = missing == 0 ? BufferSlots.NONE : stripe.find(chunk);
          if (missing != 0 && held == BufferSlots.NONE && taken == BufferSlots.NONE) {
            taken = queue.tryTake();
          }
          int slot = held == BufferSlots.NONE ? taken : held;
          if (missing == 0) {
            done = true;
          } else if (slot != BufferSlots.NONE) {
            load(slot, chunk, missing);
            long zero = zeroes(slot, chunk, missing);
            if (zero != 0) {
              publishZero(chunk, zero);
            }
            if (missing != zero && into(slot, chunk, missing & ~zero)) {
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
            end = await(ticket, remains);
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
      giveBack(taken);
    }
    return remains;
  }

  private boolean hole(int chunk, long pages) throws IOException {
    int from = geometry.runStart(pages);
    int last = Long.SIZE - 1 - Long.numberOfLeadingZeros(pages);
    int to = Math.min((last + 1) << geometry.pageShift(), geometry.length(chunk));
    return live.hole(geometry.start(chunk) + from, to - from);
  }

  /** Reads pages of the live device into the slot; under the lock of the chunk. */
  void load(int slot, int chunk, long pages) throws IOException {
    for (long rest = pages; rest != 0; rest = ChunkGeometry.afterRun(rest)) {
      int from = geometry.runStart(rest);
      int to = geometry.runEnd(chunk, rest);
      live.read(slots.view(slot, from, to), geometry.start(chunk) + from);
      copiedBytes.add(to - from);
    }
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
    Stripe stripe = stripes[chunk % STRIPES];
    stripe.lock.lock();
    try {
      stripe.link(slot);
    } finally {
      stripe.lock.unlock();
    }
  }

  ReentrantLock lockOf(int chunk) {
    return stripes[chunk % STRIPES].lock;
  }

  /** The slot that holds the chunk, or none. */
  int slotOf(int chunk) {
    Stripe stripe = stripes[chunk % STRIPES];
    stripe.lock.lock();
    try {
      return stripe.find(chunk);
    } finally {
      stripe.lock.unlock();
    }
  }

  int tryTake() {
    return queue.tryTake();
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
    Stripe stripe = stripes[chunk % STRIPES];
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
    Stripe stripe = stripes[chunk % STRIPES];
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
    Stripe stripe = stripes[slots.chunk(slot) % STRIPES];
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
    Stripe stripe = stripes[chunk % STRIPES];
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
    Stripe stripe = stripes[slots.chunk(slot) % STRIPES];
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
   * For an image write, which is of no account to a live one: it never corrupts. ENOSPC: the
   * storage has no room and no buffer is left. EIO: none was free for the stall limit. EAGAIN: sent
   * away.
   */
  void awaitForImage(SlotQueue.Ticket ticket, int chunk) throws BlksnapException {
    SlotQueue.End end = queue.await(ticket, stallNanos);
    if (ticket.slot() != BufferSlots.NONE) {
      return;
    }
    switch (end) {
      case SENT_AWAY:
        throw sentAway(chunk);
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
  private SlotQueue.End await(SlotQueue.Ticket ticket, long left) {
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

  void giveBack(int slot) {
    if (slot != BufferSlots.NONE) {
      queue.release(slot);
    }
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

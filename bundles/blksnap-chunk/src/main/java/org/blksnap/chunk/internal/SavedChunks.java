// SPDX-License-Identifier: Apache-2.0
package org.blksnap.chunk.internal;

import java.io.IOException;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.spi.chunk.LiveReader;
import org.blksnap.spi.storage.DiffStorage;

/**
 * The keeper: the state of every chunk, behind verbs that each do one whole chunk.
 *
 * <p><b>A page</b> is new (its bit in {@code which} is clear), in memory (in {@code which}, and in
 * the pages of the slot that holds its chunk) or stored (in {@code which} alone; it lies at {@code
 * where}). It goes that way and never back. Memory wins: while it is in a slot, the storage is not
 * asked.
 *
 * <p><b>Order of a save</b>, under the lock of the chunk: the old content is read from the live
 * device into the slot; the slot's owner; the slot's pages; {@code which}; a full fence; then only
 * the live write may go down. All of it is in mapped files, so a killed process leaves either a
 * clear bit and the old content on the device, or a set bit and the content saved.
 *
 * <p><b>Locks.</b> Chunks share {@link #STRIPES} locks; slots that hold chunks of one stripe are
 * linked from it. A lock is held while the live device is read, never while the storage is used and
 * never while waiting for a slot: the storage may hang without holding up a live write to anything
 * else than new pages. Stored pages need no lock at all, as nothing moves them.
 *
 * <p><b>Storing</b> runs outside the lock: {@link #beginStore} notes the pages, {@link #endStore}
 * forgets those that no image write has touched meanwhile; the others stay in memory and are stored
 * again.
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
  private final StoreSignal signal;
  private final AreaState state;
  private final LiveReader live;
  private final DiffStorage storage;
  private final Corruption corruption;
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
      StoreSignal signal,
      AreaState state,
      LiveReader live,
      DiffStorage storage,
      Corruption corruption,
      long stallNanos) {
    this.geometry = geometry;
    this.map = map;
    this.slots = slots;
    this.queue = queue;
    this.signal = signal;
    this.state = state;
    this.live = live;
    this.storage = storage;
    this.corruption = corruption;
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
   * After opening, before anybody else is here: links the slots that hold pages again and counts.
   * EFAULT: a page is said to be saved and lies nowhere.
   */
  void recover() throws BlksnapException {
    for (int slot = 0; slot < slots.slots(); slot++) {
      long pages = slots.pages(slot);
      if (pages != 0) {
        recover(slot, slots.chunk(slot), pages);
      }
    }
    for (int chunk = 0; chunk < geometry.chunkCount(); chunk++) {
      long which = map.which(chunk);
      if (which != 0) {
        check(chunk, which);
        savedChunks.increment();
        savedBytes.add(geometry.bytes(chunk, which));
      }
    }
  }

  private void recover(int slot, int chunk, long pages) throws BlksnapException {
    Stripe stripe = stripes[chunk % STRIPES];
    stripe.lock.lock();
    try {
      if (stripe.find(chunk) != BufferSlots.NONE) {
        throw damaged("chunk " + chunk + " is in two buffers");
      }
      // What is not in the map was never relied on: the live device still has it.
      long kept = pages & map.which(chunk);
      slots.pages(slot, kept);
      if (kept == 0) {
        slots.release(slot);
      } else {
        stripe.link(slot);
        signal.enqueued();
      }
    } finally {
      stripe.lock.unlock();
    }
  }

  private void check(int chunk, long which) throws BlksnapException {
    long lost = which & ~geometry.allPages(chunk);
    if (map.where(chunk) < 0) {
      Stripe stripe = stripes[chunk % STRIPES];
      stripe.lock.lock();
      try {
        int slot = stripe.find(chunk);
        lost |= slot == BufferSlots.NONE ? which : which & ~slots.pages(slot);
      } finally {
        stripe.lock.unlock();
      }
    }
    if (lost != 0) {
      throw damaged("pages of chunk " + chunk + " are said to be saved and lie nowhere");
    }
  }

  private static BlksnapException damaged(String why) {
    return new BlksnapException(
        Errno.EFAULT, ChunkMap.FILE + " refused: " + why + "; the snapshot of this device is lost");
  }

  /**
   * Saves what is still new of the wanted pages. Afterwards they are saved, or the area is
   * corrupted or gone; false where it ended or the wait for a slot was ended before: then the live
   * write must not go down.
   */
  boolean save(int chunk, long wanted) {
    int taken = BufferSlots.NONE;
    try {
      Stripe stripe = stripes[chunk % STRIPES];
      boolean done = false;
      while (!done && !corruption.happened()) {
        stripe.lock.lock();
        try {
          if (!state.open()) {
            return state.gone();
          }
          long missing = wanted & ~map.which(chunk);
          int held = stripe.find(chunk);
          if (missing != 0 && held == BufferSlots.NONE && taken == BufferSlots.NONE) {
            taken = queue.tryTake();
          }
          int slot = held == BufferSlots.NONE ? taken : held;
          if (missing == 0) {
            done = true;
          } else if (slot != BufferSlots.NONE) {
            load(slot, chunk, missing);
            if (held == BufferSlots.NONE) {
              slots.hold(slot, chunk);
              stripe.link(slot);
              taken = BufferSlots.NONE;
            }
            publish(slot, chunk, missing);
            if (held == BufferSlots.NONE) {
              signal.enqueued();
            }
            done = true;
          }
        } finally {
          stripe.lock.unlock();
        }
        if (!done) {
          SlotQueue.Ticket ticket = new SlotQueue.Ticket();
          SlotQueue.End end = await(ticket);
          taken = ticket.slot();
          if (end == SlotQueue.End.SENT_AWAY) {
            return false;
          }
        }
      }
    } catch (IOException | RuntimeException | InternalError e) {
      corruption.corrupt("old data of chunk " + chunk + " could not be read", e);
    } finally {
      giveBack(taken);
    }
    return true;
  }

  /**
   * Image write to the chunk's bytes {@code [from, to)}, which are taken from {@code src}. Pages
   * partly covered and still new are loaded first. Whatever happens, {@code src} may be spoilt.
   * EAGAIN: the area ended, or the wait for a slot was ended; nothing of this chunk was written.
   */
  void overwrite(int chunk, int from, int to, ByteBuffer src) throws IOException {
    long wanted = geometry.pages(from, to);
    int base = src.position();
    int taken = BufferSlots.NONE;
    try {
      Stripe stripe = stripes[chunk % STRIPES];
      long stored = 0;
      boolean done = false;
      while (!done) {
        corruption.check();
        stripe.lock.lock();
        try {
          if (!state.open()) {
            throw sentAway(chunk);
          }
          long which = map.which(chunk);
          long fresh = wanted & ~which;
          int held = stripe.find(chunk);
          if (fresh != 0 && held == BufferSlots.NONE && taken == BufferSlots.NONE) {
            taken = queue.tryTake();
          }
          int slot = held == BufferSlots.NONE ? taken : held;
          if (fresh == 0 || slot != BufferSlots.NONE) {
            long inMemory = held == BufferSlots.NONE ? 0 : slots.pages(held) & wanted;
            load(slot, chunk, fresh & ~geometry.wholePages(chunk, from, to));
            copyIn(slot, chunk, inMemory | fresh, from, to, src, base);
            if (held != BufferSlots.NONE) {
              touched[held] |= inMemory;
            } else if (fresh != 0) {
              slots.hold(slot, chunk);
              stripe.link(slot);
              taken = BufferSlots.NONE;
            }
            if (fresh != 0) {
              publish(slot, chunk, fresh);
              if (held == BufferSlots.NONE) {
                signal.enqueued();
              }
            }
            stored = wanted & ~fresh & ~inMemory;
            done = true;
          }
        } finally {
          stripe.lock.unlock();
        }
        if (!done) {
          SlotQueue.Ticket ticket = new SlotQueue.Ticket();
          SlotQueue.End end = await(ticket);
          taken = ticket.slot();
          if (end == SlotQueue.End.SENT_AWAY) {
            throw sentAway(chunk);
          }
        }
      }
      writeStored(chunk, stored, from, to, src, base);
    } finally {
      giveBack(taken);
    }
    src.limit(base + to - from).position(base + to - from);
  }

  /**
   * Copies from memory into {@code dst}, beginning with the byte {@code from} of the chunk and at
   * most to {@code to}; 0 where the page of that byte is not in memory.
   */
  int copyFromMemory(int chunk, int from, int to, ByteBuffer dst) {
    Stripe stripe = stripes[chunk % STRIPES];
    stripe.lock.lock();
    try {
      int slot = stripe.find(chunk);
      if (slot == BufferSlots.NONE) {
        return 0;
      }
      int end = runFrom(chunk, slots.pages(slot), from, to);
      if (end > from) {
        dst.put(slots.view(slot, from, end));
      }
      return end - from;
    } finally {
      stripe.lock.unlock();
    }
  }

  /** Bytes that are stored, from the byte {@code from} of the chunk on, at most to {@code to}. */
  int storedBytes(int chunk, int from, int to) {
    long stored = map.which(chunk);
    Stripe stripe = stripes[chunk % STRIPES];
    stripe.lock.lock();
    try {
      int slot = stripe.find(chunk);
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

  /** By the store worker: the pages it is to store from the slot, 0 for none. */
  long beginStore(int slot) {
    int chunk = slots.chunk(slot);
    if (chunk == BufferSlots.NONE) {
      return 0;
    }
    Stripe stripe = stripes[chunk % STRIPES];
    stripe.lock.lock();
    try {
      touched[slot] = 0;
      return slots.pages(slot);
    } finally {
      stripe.lock.unlock();
    }
  }

  /** By the store worker: these pages are at the chunk's address now. */
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
        freed = true;
      }
    } finally {
      stripe.lock.unlock();
    }
    if (freed) {
      signal.dequeued();
      queue.release(slot);
    }
  }

  private void load(int slot, int chunk, long pages) throws IOException {
    for (long rest = pages; rest != 0; rest = ChunkGeometry.afterRun(rest)) {
      int from = geometry.runStart(rest);
      int to = geometry.runEnd(chunk, rest);
      live.read(slots.view(slot, from, to), geometry.start(chunk) + from);
      copiedBytes.add(to - from);
    }
  }

  private void publish(int slot, int chunk, long pages) {
    long before = map.which(chunk);
    slots.pages(slot, slots.pages(slot) | pages);
    map.which(chunk, before | pages);
    VarHandle.fullFence();
    savedBytes.add(geometry.bytes(chunk, pages));
    if (before == 0) {
      savedChunks.increment();
    }
  }

  private void copyIn(int slot, int chunk, long pages, int from, int to, ByteBuffer src, int base) {
    for (long rest = pages; rest != 0; rest = ChunkGeometry.afterRun(rest)) {
      int first = Math.max(from, geometry.runStart(rest));
      int end = Math.min(to, geometry.runEnd(chunk, rest));
      src.limit(base + end - from).position(base + first - from);
      slots.view(slot, first, end).put(src);
    }
  }

  private void writeStored(int chunk, long pages, int from, int to, ByteBuffer src, int base)
      throws IOException {
    for (long rest = pages; rest != 0; rest = ChunkGeometry.afterRun(rest)) {
      int first = Math.max(from, geometry.runStart(rest));
      int end = Math.min(to, geometry.runEnd(chunk, rest));
      src.limit(base + end - from).position(base + first - from);
      storage.write(map.where(chunk) + first, src);
    }
  }

  private int runFrom(int chunk, long pages, int from, int to) {
    long rest = pages & (-1L << (from >>> geometry.pageShift()));
    if (rest == 0 || geometry.runStart(rest) > from) {
      return from;
    }
    return Math.min(to, geometry.runEnd(chunk, rest));
  }

  /** Without a slot at the stall limit the area is corrupted, and nobody waits any more. */
  private SlotQueue.End await(SlotQueue.Ticket ticket) {
    SlotQueue.End end = queue.await(ticket, stallNanos);
    if (end == SlotQueue.End.STALLED) {
      corruption.stalled("all " + slots.backed() + " chunk buffers wait", stallNanos);
    }
    return end;
  }

  private static BlksnapException sentAway(int chunk) {
    return new BlksnapException(
        Errno.EAGAIN, "chunk " + chunk + " was not written: its diff area is let go; come again");
  }

  private void giveBack(int slot) {
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

// SPDX-License-Identifier: Apache-2.0
package org.blksnap.chunk.internal;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.concurrent.locks.ReentrantLock;
import org.blksnap.spi.storage.DiffStorage;

/**
 * What an image write does to one chunk. New pages become saved ones, as by a live write, so that a
 * later live write has nothing to copy. Pages in memory and pages known to be zero change in the
 * slot, stored pages in the storage. Whole pages of zeroes take no space: they are noted in the
 * map, wherever they were before.
 */
final class ImageWrites {
  private final ChunkGeometry geometry;
  private final ChunkMap map;
  private final BufferSlots slots;
  private final SavedChunks saved;
  private final LivePages live;
  private final SlotWaits waits;
  private final DiffStorage storage;
  private final Corruption corruption;

  ImageWrites(
      ChunkGeometry geometry,
      ChunkMap map,
      BufferSlots slots,
      SavedChunks saved,
      LivePages live,
      SlotWaits waits,
      DiffStorage storage,
      Corruption corruption) {
    this.geometry = geometry;
    this.map = map;
    this.slots = slots;
    this.saved = saved;
    this.live = live;
    this.waits = waits;
    this.storage = storage;
    this.corruption = corruption;
  }

  /**
   * Writes the chunk's bytes {@code [from, to)}, which are taken from {@code src}. Whatever
   * happens, {@code src} may be spoilt. EAGAIN: the area ended, or the wait for a slot was ended;
   * the caller repeats it. ENOSPC, EIO: as {@link SlotWaits#awaitForImage}; the image is as good as
   * before, but for the part of the range that was written.
   */
  void write(int chunk, int from, int to, ByteBuffer src) throws IOException {
    int base = src.position();
    if (Zeroes.only(src, base, base + to - from)) {
      writeZeroes(chunk, from, to);
    } else {
      overwrite(chunk, from, to, src, base);
    }
    src.limit(base + to - from).position(base + to - from);
  }

  /** As {@link #write}, with zeroes. */
  void writeZeroes(int chunk, int from, int to) throws IOException {
    long whole = geometry.wholePages(chunk, from, to);
    long parts = geometry.pages(from, to) & ~whole;
    if (whole != 0) {
      forget(chunk, whole);
    }
    for (long rest = parts; rest != 0; rest &= rest - 1) {
      long page = Long.lowestOneBit(rest);
      int first = Math.max(from, geometry.runStart(page));
      int end = Math.min(to, geometry.runEnd(chunk, page));
      for (int at = first; at < end; at += Zeroes.PIECE) {
        int stop = Math.min(end, at + Zeroes.PIECE);
        overwrite(chunk, at, stop, Zeroes.of(stop - at), 0);
      }
    }
  }

  /** The pages are zero from now on; the map first, so that a kill leaves the old or the new. */
  private void forget(int chunk, long pages) throws IOException {
    corruption.check();
    ReentrantLock lock = saved.stripeOf(chunk).lock;
    lock.lock();
    try {
      saved.requireOpen(chunk);
      saved.publishZero(chunk, pages);
      int slot = saved.slotOf(chunk);
      if (slot != BufferSlots.NONE) {
        slots.pages(slot, slots.pages(slot) & ~pages);
      }
    } finally {
      lock.unlock();
    }
  }

  private void overwrite(int chunk, int from, int to, ByteBuffer src, int base) throws IOException {
    long wanted = geometry.pages(from, to);
    int taken = BufferSlots.NONE;
    try {
      ReentrantLock lock = saved.stripeOf(chunk).lock;
      long stored = 0;
      boolean done = false;
      while (!done) {
        corruption.check();
        lock.lock();
        try {
          saved.requireOpen(chunk);
          long fresh = wanted & ~map.which(chunk);
          long zero = wanted & map.zero(chunk);
          long homeless = fresh | zero;
          int held = saved.slotOf(chunk);
          if (homeless != 0 && held == BufferSlots.NONE && taken == BufferSlots.NONE) {
            taken = waits.tryTake();
          }
          int slot = held == BufferSlots.NONE ? taken : held;
          if (homeless == 0 || slot != BufferSlots.NONE) {
            long whole = geometry.wholePages(chunk, from, to);
            long inMemory = held == BufferSlots.NONE ? 0 : slots.pages(held) & wanted;
            live.load(slot, chunk, fresh & ~whole);
            fillZero(slot, chunk, zero & ~whole);
            copyIn(slot, chunk, inMemory | homeless, from, to, src, base);
            if ((inMemory | homeless) != 0) {
              taken = saved.into(slot, chunk, inMemory | homeless) ? BufferSlots.NONE : taken;
            }
            stored = wanted & ~homeless & ~inMemory;
            done = true;
          }
        } finally {
          lock.unlock();
        }
        if (!done) {
          SlotQueue.Ticket ticket = new SlotQueue.Ticket();
          try {
            waits.awaitForImage(ticket, chunk);
          } finally {
            taken = ticket.slot();
          }
        }
      }
      writeStored(chunk, stored, from, to, src, base);
    } finally {
      waits.giveBack(taken);
    }
  }

  private void fillZero(int slot, int chunk, long pages) {
    for (long rest = pages; rest != 0; rest = ChunkGeometry.afterRun(rest)) {
      int end = geometry.runEnd(chunk, rest);
      for (int at = geometry.runStart(rest); at < end; at += Zeroes.PIECE) {
        int stop = Math.min(end, at + Zeroes.PIECE);
        slots.view(slot, at, stop).put(Zeroes.of(stop - at));
      }
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
}

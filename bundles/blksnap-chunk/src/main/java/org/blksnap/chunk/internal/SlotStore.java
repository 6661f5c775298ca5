// SPDX-License-Identifier: Apache-2.0
package org.blksnap.chunk.internal;

import java.io.IOException;
import java.nio.ByteBuffer;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.spi.storage.DiffStorage;

/**
 * What a store thread does with one slot: its pages move to the storage. Addresses are allocated,
 * and {@code where} is written, here alone. Any number of threads, each with slots of its own
 * ({@link StoreClaims}).
 *
 * <p><b>Merged by address.</b> Whole chunks that lie one behind the other in slots and in the
 * storage become one write, up to {@link #PIECE}; a run of pages is one write anyway.
 *
 * <p>Data first, then the pointer: the pages are in the storage before they leave memory. An
 * address that a killed process had allocated and not written down is lost space, nothing else.
 */
final class SlotStore {
  /** Bytes given to the storage at a time, so that a large chunk shows progress. */
  static final int PIECE = 1 << 20;

  private final ChunkGeometry geometry;
  private final ChunkMap map;
  private final BufferSlots slots;
  private final StoreClaims claims;
  private final SavedChunks saved;
  private final StoreSignal signal;
  private final AreaState state;
  private final DiffStorage storage;
  private final RoomLack lack;
  private final StoreSpeed speed;

  /** Calls one more thread, if there may be one. */
  private final Runnable help;

  SlotStore(
      ChunkGeometry geometry,
      ChunkMap map,
      BufferSlots slots,
      StoreClaims claims,
      SavedChunks saved,
      StoreSignal signal,
      AreaState state,
      DiffStorage storage,
      RoomLack lack,
      StoreSpeed speed,
      Runnable help) {
    this.geometry = geometry;
    this.map = map;
    this.slots = slots;
    this.claims = claims;
    this.saved = saved;
    this.signal = signal;
    this.state = state;
    this.storage = storage;
    this.lack = lack;
    this.speed = speed;
    this.help = help;
  }

  /** Stores the slot, which this thread has claimed, and whole chunks right behind it. */
  void store(int slot) throws IOException {
    long pages = saved.beginStore(slot);
    int chunk = slots.chunk(slot);
    if (pages == 0) {
      saved.endStore(slot, 0);
      return;
    }
    long address = address(chunk);
    if (address < 0) {
      claims.again(slot);
      return;
    }
    int count = wholeChunk(chunk, pages) ? 1 + claimBehind(slot, address) : 1;
    if (count > 1) {
      write(address, slots.span(slot, count));
    } else {
      writeRuns(slot, chunk, pages, address);
    }
    if (state.open()) {
      saved.endStore(slot, pages);
      for (int i = 1; i < count; i++) {
        saved.endStore(slot + i, -1L);
      }
    }
  }

  private boolean wholeChunk(int chunk, long pages) {
    return geometry.length(chunk) == geometry.chunkSize() && pages == geometry.allPages(chunk);
  }

  /** Claims slots that follow, as long as their chunks are whole and follow in the storage. */
  private int claimBehind(int slot, long address) throws IOException {
    int most = PIECE / geometry.chunkSize();
    int count = 0;
    while (count + 1 < most
        && slots.sameMapping(slot, slot + count + 1)
        && claims.claim(slot + count + 1)) {
      int next = slot + count + 1;
      int chunk = slots.chunk(next);
      long expected = address + (long) (count + 1) * geometry.chunkSize();
      if (!wholeChunk(chunk, saved.beginStore(next)) || address(chunk) != expected) {
        claims.again(next);
        break;
      }
      count++;
    }
    return count;
  }

  private void writeRuns(int slot, int chunk, long pages, long address) throws IOException {
    for (long rest = pages; rest != 0; rest = ChunkGeometry.afterRun(rest)) {
      int end = geometry.runEnd(chunk, rest);
      for (int from = geometry.runStart(rest); from < end; from += PIECE) {
        if (!state.open()) {
          return;
        }
        int to = Math.min(from + PIECE, end);
        write(address + from, slots.storeView(slot, from, to));
      }
    }
  }

  private void write(long address, ByteBuffer data) throws IOException {
    long begun = System.nanoTime();
    speed.begins(begun);
    storage.write(address, data);
    boolean slow = speed.ended(begun);
    signal.progressed();
    if (slow && signal.pressing()) {
      help.run();
    }
  }

  /** The chunk's address; -1 where the storage has no room for it now. */
  private long address(int chunk) throws IOException {
    long known = map.where(chunk);
    if (known >= 0) {
      return known;
    }
    try {
      long address = storage.allocate(geometry.chunkSize());
      lack.granted();
      saved.place(chunk, address);
      return address;
    } catch (BlksnapException e) {
      if (e.errno() != Errno.ENOSPC) {
        throw e;
      }
      lack.refused(e);
      return -1;
    }
  }
}

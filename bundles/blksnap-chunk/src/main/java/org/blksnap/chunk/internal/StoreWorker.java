// SPDX-License-Identifier: Apache-2.0
package org.blksnap.chunk.internal;

import java.io.IOException;
import java.util.concurrent.TimeUnit;
import java.util.function.IntSupplier;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.spi.storage.DiffStorage;

/**
 * The one thread of an area that moves chunks from memory to the storage: it alone allocates
 * addresses and writes {@code where}. It goes over all slots in their order, each pass stores what
 * is there, so nothing waits longer than a pass. Its first failure ends it, and corrupts the area
 * unless that is closing: then the pages that were not stored are still in memory, for the
 * successor.
 *
 * <p>Data first, then the pointer: the pages are in the storage before they leave memory. An
 * address that a killed process had allocated and not written down is lost space, nothing else.
 */
final class StoreWorker implements Runnable {
  /** Bytes given to the storage at a time, so that a large chunk shows progress. */
  static final int PIECE = 1 << 20;

  private final ChunkGeometry geometry;
  private final ChunkMap map;
  private final BufferSlots slots;
  private final SlotQueue queue;
  private final SavedChunks saved;
  private final StoreSignal signal;
  private final AreaState state;
  private final DiffStorage storage;
  private final Corruption corruption;
  private final IntSupplier maximumInQueue;
  private final IntSupplier freeBuffers;
  private final Thread thread;

  StoreWorker(
      String name,
      ChunkGeometry geometry,
      ChunkMap map,
      BufferSlots slots,
      SlotQueue queue,
      SavedChunks saved,
      StoreSignal signal,
      AreaState state,
      DiffStorage storage,
      Corruption corruption,
      IntSupplier maximumInQueue,
      IntSupplier freeBuffers) {
    this.geometry = geometry;
    this.map = map;
    this.slots = slots;
    this.queue = queue;
    this.saved = saved;
    this.signal = signal;
    this.state = state;
    this.storage = storage;
    this.corruption = corruption;
    this.maximumInQueue = maximumInQueue;
    this.freeBuffers = freeBuffers;
    this.thread = new Thread(this, name);
    thread.setDaemon(true);
  }

  void start() {
    signal.worker(thread);
    thread.start();
  }

  /**
   * After the area ended: waits for the piece being stored, whatever becomes of it, as its pages
   * are still in memory; false where it has not ended by the deadline.
   */
  boolean awaitEnd(long deadline) {
    boolean interrupted = false;
    while (thread.isAlive() && deadline - System.nanoTime() > 0) {
      try {
        TimeUnit.NANOSECONDS.timedJoin(thread, deadline - System.nanoTime());
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
    return !thread.isAlive();
  }

  @Override
  public void run() {
    try {
      while (!ended()) {
        signal.threshold(Math.min(maximumInQueue.getAsInt(), Math.max(1, slots.backed() / 2)));
        signal.awaitWork(this::ended);
        pass();
      }
    } catch (IOException | RuntimeException | Error e) {
      if (state.open()) {
        corruption.corrupt("old data could not be stored", e);
      }
    }
  }

  private boolean ended() {
    return !state.open() || corruption.happened();
  }

  private void pass() throws IOException {
    long pass = signal.passBegins();
    if (slots.freeCount() < slots.backed() / 4) {
      slots.grow();
      queue.serve();
    }
    for (int slot = 0; slot < slots.slots(); slot++) {
      if (ended()) {
        return;
      }
      store(slot);
    }
    slots.shrink(freeBuffers.getAsInt());
    signal.passEnds(pass);
  }

  private void store(int slot) throws IOException {
    long pages = saved.beginStore(slot);
    if (pages == 0) {
      return;
    }
    int chunk = slots.chunk(slot);
    long address = address(chunk);
    for (long rest = pages; rest != 0; rest = ChunkGeometry.afterRun(rest)) {
      int end = geometry.runEnd(chunk, rest);
      for (int from = geometry.runStart(rest); from < end; from += PIECE) {
        int to = Math.min(from + PIECE, end);
        storage.write(address + from, slots.storeView(slot, from, to));
        signal.progressed();
        if (!state.open()) {
          return;
        }
      }
    }
    saved.endStore(slot, pages);
  }

  private long address(int chunk) throws BlksnapException {
    long known = map.where(chunk);
    if (known >= 0) {
      return known;
    }
    long address = storage.allocate(geometry.chunkSize());
    map.where(chunk, address);
    return address;
  }
}

// SPDX-License-Identifier: Apache-2.0
package org.blksnap.chunk.internal;

import java.io.IOException;
import java.util.BitSet;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.IntSupplier;
import org.blksnap.spi.storage.DiffStorage;

/**
 * The threads of an area that move chunks from memory to the storage, one slot at a time ({@link
 * SlotStore}).
 *
 * <p><b>The leader</b> is always there. It goes over all slots in their order, a round stores what
 * is there, so nothing waits longer than a round. It alone backs more slots and gives some back.
 * <b>Helpers</b> come one by one while the storage is slow: a write took longer than {@link
 * StoreHelpers#SLOW_NANOS} while much is queued, or a live write waits as long for a slot. So a
 * fast storage sees one thread, and one that takes 300 ms for a write sees up to {@link
 * StoreHelpers#MOST} + 1 writes at once. No live write ever runs in here: who hangs in the storage
 * is one of these threads.
 *
 * <p><b>Failures.</b> A storage without room is no failure: the chunk stays in its slot, see {@link
 * RoomLack}. Any other first failure ends the threads, and corrupts the area unless that has ended:
 * then the pages that were not stored are still in memory, for the successor.
 */
final class StoreWorker implements Runnable {
  /** Bytes of slots that suffice a storage that is not slow: backing more only costs writes. */
  static final long FAST_BACKED = 64L << 20;

  /**
   * How long nothing is queued before slots are given back. Given back sooner, a burst would make
   * them again in the middle of its writes.
   */
  static final long QUIET_NANOS = 2_000_000_000;

  private static final long OTHERS_POLL_NANOS = 500_000;

  private final ChunkGeometry geometry;
  private final BufferSlots slots;
  private final SlotQueue queue;
  private final StoreClaims claims;
  private final StoreSignal signal;
  private final AreaState state;
  private final Corruption corruption;
  private final RoomLack lack;
  private final IntSupplier maximumInQueue;
  private final IntSupplier freeBuffers;
  private final Thread leader;
  private final StoreHelpers helpers;
  private final StoreSpeed speed;
  private final SlotStore slotStore;

  StoreWorker(
      String name,
      ChunkGeometry geometry,
      ChunkMap map,
      BufferSlots slots,
      SlotQueue queue,
      StoreClaims claims,
      SavedChunks saved,
      StoreSignal signal,
      AreaState state,
      DiffStorage storage,
      Corruption corruption,
      RoomLack lack,
      IntSupplier maximumInQueue,
      IntSupplier freeBuffers) {
    this.geometry = geometry;
    this.slots = slots;
    this.queue = queue;
    this.claims = claims;
    this.signal = signal;
    this.state = state;
    this.corruption = corruption;
    this.lack = lack;
    this.maximumInQueue = maximumInQueue;
    this.freeBuffers = freeBuffers;
    this.leader = daemon(this, name);
    this.helpers = new StoreHelpers(task -> daemon(task, name + "-helper"));
    this.speed = new StoreSpeed(leader);
    this.slotStore =
        new SlotStore(
            geometry,
            map,
            slots,
            claims,
            saved,
            signal,
            state,
            storage,
            lack,
            speed,
            () -> helpers.call(this::storeWhatIsThere));
  }

  private static Thread daemon(Runnable task, String name) {
    Thread thread = new Thread(task, name);
    thread.setDaemon(true);
    return thread;
  }

  void start() {
    signal.worker(leader);
    leader.start();
  }

  /** One more thread, if there may be one, where the storage is slow; by a write that waits. */
  void helpIfSlow() {
    if (speed.slow()) {
      helpers.call(this::storeWhatIsThere);
    }
  }

  /**
   * After the area ended: waits for the pieces being stored, whatever becomes of them, as their
   * pages are still in memory; false where one has not ended by the deadline.
   */
  boolean awaitEnd(long deadline) {
    helpers.end();
    boolean interrupted = false;
    while ((leader.isAlive() || !helpers.ended()) && deadline - System.nanoTime() > 0) {
      try {
        TimeUnit.NANOSECONDS.timedJoin(leader, deadline - System.nanoTime());
        helpers.awaitEnd(deadline - System.nanoTime());
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
    return !leader.isAlive() && helpers.ended();
  }

  @Override
  public void run() {
    try {
      backAlways();
      while (!ended()) {
        signal.threshold(Math.min(maximumInQueue.getAsInt(), Math.max(1, slots.backed() / 2)));
        boolean spare = slots.canShrink(freeBuffers.getAsInt());
        if (signal.awaitWork(this::ended, spare ? QUIET_NANOS : 0)) {
          slots.shrink(freeBuffers.getAsInt());
        } else {
          round();
        }
      }
    } catch (IOException | RuntimeException | Error e) {
      failed(e);
    }
  }

  /** What a take did not wait for. */
  private void backAlways() {
    while (!ended() && bytesBacked() < BufferSlots.ALWAYS_BACKED && slots.grow()) {
      queue.serve();
    }
  }

  private long bytesBacked() {
    return (long) slots.backed() * geometry.chunkSize();
  }

  private void storeWhatIsThere() {
    try {
      int slot = ended() ? BufferSlots.NONE : claims.claimAny();
      while (slot != BufferSlots.NONE && lack.why() == null) {
        slotStore.store(slot);
        slot = ended() ? BufferSlots.NONE : claims.claimAny();
      }
      if (slot != BufferSlots.NONE) {
        claims.again(slot);
      }
    } catch (IOException | RuntimeException | Error e) {
      failed(e);
    }
  }

  private void failed(Throwable e) {
    if (state.open()) {
      corruption.corrupt("old data could not be stored", e);
    }
  }

  private boolean ended() {
    return !state.open() || corruption.happened();
  }

  private void round() throws IOException {
    long pass = signal.passBegins();
    boolean settling = pass > signal.ended();
    BitSet others = new BitSet();
    long stored = signal.progress();
    int backed = slots.backed();
    boolean idle = true;
    for (int slot = 0; slot < slots.slots(); slot++) {
      if (ended()) {
        return;
      }
      if (claims.claim(slot)) {
        idle = false;
        growIfShort();
        slotStore.store(slot);
      } else if (settling && claims.busy(slot)) {
        others.set(slot);
      }
    }
    growIfShort();
    storeAfterOthers(others);
    if (ended()) {
      return;
    }
    signal.passEnds(pass);
    if (lack.why() != null && signal.progress() == stored) {
      pause(RoomLack.RETRY_NANOS);
      // What is being stored frees a slot yet. In this order: it is told before it is busy no more.
      if (!claims.anyBusy() && slots.backed() <= backed && signal.progress() == stored) {
        lack.fruitlessRound();
      }
    } else if (idle && signal.queued() > 0) {
      LockSupport.parkNanos(this, OTHERS_POLL_NANOS);
    }
  }

  /** The whole of it, however often a waiter wakes this thread. */
  private void pause(long nanos) {
    long begun = System.nanoTime();
    long left = nanos;
    while (left > 0 && !ended()) {
      LockSupport.parkNanos(this, left);
      left = nanos - (System.nanoTime() - begun);
    }
  }

  private void growIfShort() {
    boolean worthIt = bytesBacked() < FAST_BACKED || speed.lastWasSlow() || lack.why() != null;
    if (worthIt && slots.freeCount() < slots.backed() / 4 && slots.grow()) {
      queue.serve();
    }
  }

  /** What helpers were storing when the round came by: what they leave is stored too. */
  private void storeAfterOthers(BitSet others) throws IOException {
    for (int slot = others.nextSetBit(0); slot >= 0; slot = others.nextSetBit(slot + 1)) {
      while (claims.busy(slot) && !ended()) {
        LockSupport.parkNanos(this, OTHERS_POLL_NANOS);
      }
      if (!ended() && claims.claim(slot)) {
        slotStore.store(slot);
      }
    }
  }
}

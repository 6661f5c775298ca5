// SPDX-License-Identifier: Apache-2.0
package org.blksnap.chunk.internal;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.BitSet;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.IntSupplier;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.spi.storage.DiffStorage;

/**
 * The threads of an area that move chunks from memory to the storage; they alone allocate addresses
 * and write {@code where}.
 *
 * <p><b>The leader</b> is always there. It goes over all slots in their order, a round stores what
 * is there, so nothing waits longer than a round. It alone backs more slots and gives some back.
 * <b>Helpers</b> come one by one while the storage is slow: a write took longer than {@link
 * #SLOW_NANOS} while much is queued, or a live write waits as long for a slot. So a fast storage
 * sees one thread, and one that takes 300 ms for a write sees up to {@link StoreHelpers#MOST} + 1
 * writes at once. No live write ever runs in here: who hangs in the storage is one of these
 * threads.
 *
 * <p><b>Merged by address.</b> Whole chunks that lie one behind the other in slots and in the
 * storage become one write, up to {@link #PIECE}; a run of pages is one write anyway.
 *
 * <p><b>Failures.</b> A storage without room is no failure: the chunk stays in its slot, see {@link
 * RoomLack}. Any other first failure ends the threads, and corrupts the area unless that has ended:
 * then the pages that were not stored are still in memory, for the successor.
 *
 * <p>Data first, then the pointer: the pages are in the storage before they leave memory. An
 * address that a killed process had allocated and not written down is lost space, nothing else.
 */
final class StoreWorker implements Runnable {
  /** Bytes given to the storage at a time, so that a large chunk shows progress. */
  static final int PIECE = 1 << 20;

  /** A write of one piece that takes longer wants company. */
  static final long SLOW_NANOS = 5_000_000;

  /** Bytes of slots that suffice a storage that is not slow: backing more only costs writes. */
  static final long FAST_BACKED = 64L << 20;

  /**
   * How long nothing is queued before slots are given back. Given back sooner, a burst would make
   * them again in the middle of its writes.
   */
  static final long QUIET_NANOS = 2_000_000_000;

  private static final long OTHERS_POLL_NANOS = 500_000;

  private final ChunkGeometry geometry;
  private final ChunkMap map;
  private final BufferSlots slots;
  private final SlotQueue queue;
  private final StoreClaims claims;
  private final SavedChunks saved;
  private final StoreSignal signal;
  private final AreaState state;
  private final DiffStorage storage;
  private final Corruption corruption;
  private final RoomLack lack;
  private final IntSupplier maximumInQueue;
  private final IntSupplier freeBuffers;
  private final Thread leader;
  private final StoreHelpers helpers;

  /** The last write that ended was slow. */
  private volatile boolean slow;

  /** When the leader's write began, 0 where none is under way. */
  private volatile long leaderWrites;

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
    this.map = map;
    this.slots = slots;
    this.queue = queue;
    this.claims = claims;
    this.saved = saved;
    this.signal = signal;
    this.state = state;
    this.storage = storage;
    this.corruption = corruption;
    this.lack = lack;
    this.maximumInQueue = maximumInQueue;
    this.freeBuffers = freeBuffers;
    this.leader = daemon(this, name);
    this.helpers = new StoreHelpers(task -> daemon(task, name + "-helper"));
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
    if (slow()) {
      help();
    }
  }

  private void help() {
    helpers.call(this::storeWhatIsThere);
  }

  private boolean slow() {
    long begun = leaderWrites;
    return slow || (begun != 0 && System.nanoTime() - begun > SLOW_NANOS);
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
        store(slot);
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
        store(slot);
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
    boolean worthIt = bytesBacked() < FAST_BACKED || slow || lack.why() != null;
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
        store(slot);
      }
    }
  }

  /** Stores the slot, which this thread has claimed, and whole chunks right behind it. */
  private void store(int slot) throws IOException {
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
    boolean leading = Thread.currentThread() == leader;
    if (leading) {
      leaderWrites = begun | 1;
    }
    storage.write(address, data);
    if (leading) {
      leaderWrites = 0;
    }
    signal.progressed();
    slow = System.nanoTime() - begun > SLOW_NANOS;
    if (slow && signal.pressing()) {
      help();
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

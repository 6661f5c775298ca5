// SPDX-License-Identifier: Apache-2.0
package org.blksnap.chunk.internal;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;

/**
 * What the makers of queued chunks and the store worker tell each other.
 *
 * <p>The worker sleeps while nothing is queued; for at most {@link #IDLE_NANOS} while a few are, so
 * that nothing lingers for ever; and not at all once {@code threshold} are, or while somebody waits
 * for it. A maker only looks at a flag, and unparks the worker when its chunk is the first or
 * reaches the threshold. No wake-up is lost: the worker raises {@code parked} before it looks at
 * {@code queued}, the maker counts before it looks at {@code parked}. The maker that wakes it
 * lowers the flag first, so that the next ones do not wake it again while it waits for a processor.
 *
 * <p>Waiting for the worker ({@link #await}) ends when the thing waited for is there, when the area
 * is gone, or when the storage stalled: the worker stored nothing for the stall limit. A waiter
 * raises {@code waiting} and looks under the lock; the worker makes its news visible, looks at
 * {@code waiting} and signals under the lock.
 */
final class StoreSignal {
  static final long IDLE_NANOS = TimeUnit.MILLISECONDS.toNanos(200);

  /** How long a waiter may overlook that the area is gone. */
  static final long POLL_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

  /** How a wait ended. */
  enum Outcome {
    READY,
    GONE,
    STALLED
  }

  private final AtomicInteger queued = new AtomicInteger();
  private final AtomicInteger waiting = new AtomicInteger();
  private final AtomicLong progress = new AtomicLong();
  private final AtomicLong wantedPass = new AtomicLong();
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition news = lock.newCondition();

  @GuardedBy("lock")
  private long endedPass;

  private volatile int threshold = 1;
  private volatile boolean parked;
  private volatile Thread worker;

  void worker(Thread thread) {
    worker = thread;
  }

  /** Chunks in memory from which on the worker does not wait. */
  void threshold(int chunks) {
    threshold = chunks;
  }

  int queued() {
    return queued.get();
  }

  /** A chunk came into memory. */
  void enqueued() {
    int count = queued.incrementAndGet();
    if (parked && (count == 1 || count >= threshold)) {
      parked = false;
      wake();
    }
  }

  /** By the worker: a chunk left memory. */
  void dequeued() {
    queued.decrementAndGet();
    progressed();
  }

  /** Somebody begins or ends to wait for a slot: the worker does not sleep meanwhile. */
  void waiter(int more) {
    waiting.addAndGet(more);
  }

  /** By the worker: a piece was stored, so the storage answers. */
  void progressed() {
    progress.incrementAndGet();
  }

  /** Grows with each piece that is stored. */
  long progress() {
    return progress.get();
  }

  /** Much is queued, or somebody waits. */
  boolean pressing() {
    return queued.get() >= threshold || waiting.get() > 0;
  }

  void wake() {
    LockSupport.unpark(worker);
  }

  /**
   * By the worker: returns when there is something to do, or at the latest when idle time is over.
   * Where nothing at all was queued for {@code quietNanos} the answer is true; 0 is for ever.
   */
  boolean awaitWork(BooleanSupplier closed, long quietNanos) {
    long begun = System.nanoTime();
    try {
      long idleSince = 0;
      while (!closed.getAsBoolean()) {
        parked = true;
        int count = queued.get();
        if (wantedPass.get() > ended()
            || (count > 0 && (count >= threshold || waiting.get() > 0))) {
          return false;
        }
        long now = System.nanoTime();
        if (count == 0) {
          idleSince = 0;
          if (quietNanos == 0) {
            LockSupport.park(this);
          } else if (now - begun >= quietNanos) {
            return true;
          } else {
            LockSupport.parkNanos(this, quietNanos - (now - begun));
          }
          continue;
        }
        if (idleSince == 0) {
          idleSince = now;
        } else if (now - idleSince >= IDLE_NANOS) {
          return false;
        }
        LockSupport.parkNanos(this, IDLE_NANOS - (now - idleSince));
      }
      return false;
    } finally {
      parked = false;
    }
  }

  /** Asks for a pass over all that is queued now; the answer is its number. */
  long wantPass() {
    long pass = wantedPass.incrementAndGet();
    wake();
    return pass;
  }

  /** By the worker: the number to end the pass with that begins now. */
  long passBegins() {
    return wantedPass.get();
  }

  /** By the worker. */
  void passEnds(long pass) {
    lock.lock();
    try {
      endedPass = pass;
      news.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** The last pass that has ended. */
  long ended() {
    lock.lock();
    try {
      return endedPass;
    } finally {
      lock.unlock();
    }
  }

  /** Waits for the worker; bounded by the stall limit after the last progress. */
  Outcome await(BooleanSupplier ready, BooleanSupplier gone, long stallNanos) {
    boolean interrupted = false;
    waiting.incrementAndGet();
    lock.lock();
    try {
      long seen = progress.get();
      long since = System.nanoTime();
      while (true) {
        if (ready.getAsBoolean()) {
          return Outcome.READY;
        }
        if (gone.getAsBoolean()) {
          return Outcome.GONE;
        }
        long now = System.nanoTime();
        if (progress.get() != seen) {
          seen = progress.get();
          since = now;
        } else if (now - since >= stallNanos) {
          return Outcome.STALLED;
        }
        wake();
        try {
          long unused = news.awaitNanos(Math.min(POLL_NANOS, stallNanos));
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
    } finally {
      lock.unlock();
      waiting.decrementAndGet();
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /** The area has ended: all look again. */
  void wakeAll() {
    wake();
    signalAll();
  }

  private void signalAll() {
    lock.lock();
    try {
      news.signalAll();
    } finally {
      lock.unlock();
    }
  }
}

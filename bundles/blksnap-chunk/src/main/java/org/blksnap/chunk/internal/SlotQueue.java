// SPDX-License-Identifier: Apache-2.0
package org.blksnap.chunk.internal;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.util.ArrayDeque;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;

/**
 * Buffer slots, first come, first served. While nobody waits, a slot is taken and given back by a
 * compare-and-set. Once somebody waits, no latecomer takes a slot: a slot that becomes free is
 * handed to the one who waits longest, and then belongs to that thread whether it still wants it or
 * not.
 *
 * <p>A wait ends with a slot, when the area ends or is corrupted, when the waiting are sent away
 * ({@link #sendAway}: somebody closes the gate in which they wait), when the storage has no room
 * and nothing else will make a slot free ({@link RoomLack}), or at the limit its caller gives,
 * however much was stored meanwhile: no live write waits longer than the stall limit for a
 * snapshot, all its waits together. Nothing is lost between a look and a wait: a waiter is in the
 * queue before it looks for a slot itself, and whoever frees a slot looks at {@code waiting}
 * afterwards.
 */
final class SlotQueue {
  /** How often a waiter sees to it that the store worker is awake, and asks for one more helper. */
  static final long POLL_NANOS = 100_000_000;

  /** How a wait ended where no slot came. */
  enum End {
    SLOT,
    OVER,
    SENT_AWAY,
    FULL,
    STALLED
  }

  /** One waiting thread. */
  static final class Ticket {
    private final Thread thread = Thread.currentThread();
    private volatile int slot = BufferSlots.NONE;
    private volatile boolean sentAway;

    /** The slot, now the caller's, or {@link BufferSlots#NONE}. */
    int slot() {
      return slot;
    }
  }

  private final BufferSlots slots;
  private final StoreSignal signal;
  private final BooleanSupplier over;
  private final RoomLack lack;

  /** Told that somebody waits longer than a storage write should take. */
  private final Runnable longWait;

  private final AtomicInteger waiting = new AtomicInteger();
  private final ReentrantLock lock = new ReentrantLock();

  @GuardedBy("lock")
  private final ArrayDeque<Ticket> queue = new ArrayDeque<>();

  /** {@code over}: the area has ended or is corrupted, so that no slot is worth waiting for. */
  SlotQueue(
      BufferSlots slots,
      StoreSignal signal,
      BooleanSupplier over,
      RoomLack lack,
      Runnable longWait) {
    this.slots = slots;
    this.signal = signal;
    this.over = over;
    this.lack = lack;
    this.longWait = longWait;
  }

  /** A free slot, now the caller's, or {@link BufferSlots#NONE}. */
  int tryTake() {
    return waiting.get() > 0 ? BufferSlots.NONE : slots.tryTake();
  }

  /** A holding slot with no pages, or a taken one, goes to the next who waits, or becomes free. */
  void release(int slot) {
    slots.release(slot);
    serve();
  }

  /** Slots may have become free. */
  void serve() {
    if (waiting.get() == 0) {
      return;
    }
    lock.lock();
    try {
      serveLocked();
    } finally {
      lock.unlock();
    }
  }

  @GuardedBy("lock")
  private void serveLocked() {
    while (!queue.isEmpty()) {
      int slot = slots.tryTake();
      if (slot == BufferSlots.NONE) {
        return;
      }
      Ticket first = queue.remove();
      first.slot = slot;
      LockSupport.unpark(first.thread);
    }
  }

  int waiting() {
    return waiting.get();
  }

  /** All who wait now end their wait and come again. */
  void sendAway() {
    if (waiting.get() == 0) {
      return;
    }
    lock.lock();
    try {
      for (Ticket ticket : queue) {
        ticket.sentAway = true;
        LockSupport.unpark(ticket.thread);
      }
    } finally {
      lock.unlock();
    }
  }

  /** The area has ended: all look again. */
  void wake() {
    lock.lock();
    try {
      queue.forEach(ticket -> LockSupport.unpark(ticket.thread));
    } finally {
      lock.unlock();
    }
  }

  /** Waits for a slot. Also where the wait ended otherwise, the ticket may have got one. */
  End await(Ticket ticket, long limitNanos) {
    boolean interrupted = false;
    join(ticket);
    try {
      long begun = System.nanoTime();
      long fruitless = lack.fruitless();
      long pause = StoreHelpers.SLOW_NANOS;
      while (true) {
        if (ticket.slot != BufferSlots.NONE) {
          return End.SLOT;
        }
        if (over.getAsBoolean()) {
          return End.OVER;
        }
        if (ticket.sentAway) {
          return End.SENT_AWAY;
        }
        if (lack.fruitless() - fruitless >= RoomLack.ROUNDS && lack.why() != null) {
          return End.FULL;
        }
        long left = limitNanos - (System.nanoTime() - begun);
        if (left <= 0) {
          return End.STALLED;
        }
        signal.wake();
        LockSupport.parkNanos(this, Math.min(pause, left));
        interrupted |= Thread.interrupted();
        if (ticket.slot == BufferSlots.NONE && System.nanoTime() - begun >= pause) {
          longWait.run();
          pause = POLL_NANOS;
        }
      }
    } finally {
      leave(ticket);
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private void join(Ticket ticket) {
    signal.waiter(1);
    lock.lock();
    try {
      queue.add(ticket);
      waiting.incrementAndGet();
      serveLocked();
    } finally {
      lock.unlock();
    }
  }

  private void leave(Ticket ticket) {
    lock.lock();
    try {
      queue.remove(ticket);
      waiting.decrementAndGet();
    } finally {
      lock.unlock();
    }
    signal.waiter(-1);
  }
}

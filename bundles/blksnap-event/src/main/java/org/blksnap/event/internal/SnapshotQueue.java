// SPDX-License-Identifier: Apache-2.0
package org.blksnap.event.internal;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.event.BlksnapEvent;
import org.blksnap.spi.event.EventQueue;

/**
 * The queue behind {@code wait_event} of one snapshot.
 *
 * <p>States: open → handed over, or open → closed; both final. Whoever waits when it leaves open
 * wakes. One lock for everything: events are rare.
 */
final class SnapshotQueue implements EventQueue {
  private enum State {
    OPEN,
    HANDED_OVER,
    CLOSED
  }

  private final UUID snapshot;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();

  @GuardedBy("lock")
  private final Backlog<BlksnapEvent.OfSnapshot> backlog = new Backlog<>();

  @GuardedBy("lock")
  private State state = State.OPEN;

  SnapshotQueue(UUID snapshot, List<BlksnapEvent.OfSnapshot> left) {
    this.snapshot = snapshot;
    left.forEach(this::offer);
  }

  /** Only what {@code wait_event} can tell is kept: low space and corruption. */
  @Override
  public void offer(BlksnapEvent.OfSnapshot event) {
    boolean taken =
        event instanceof BlksnapEvent.LowFreeSpace || event instanceof BlksnapEvent.Corrupted;
    lock.lock();
    try {
      if (taken && state == State.OPEN) {
        backlog.add(event);
        changed.signal();
      }
    } finally {
      lock.unlock();
    }
  }

  @Override
  public BlksnapEvent.OfSnapshot poll(Duration timeout) throws BlksnapException {
    long start = System.nanoTime();
    long limit = nanos(timeout);
    lock.lock();
    try {
      while (true) {
        requireOpenLocked();
        BlksnapEvent.OfSnapshot event = backlog.take();
        if (event != null) {
          return event;
        }
        long left = limit - (System.nanoTime() - start);
        if (left <= 0) {
          throw new BlksnapException(
              Errno.ENOENT,
              "no event of snapshot " + snapshot + " within " + limit / 1_000_000 + " ms");
        }
        changed.awaitNanos(left);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new BlksnapException(
          Errno.EINTR, "waiting for an event of snapshot " + snapshot + " was interrupted", e);
    } finally {
      lock.unlock();
    }
  }

  private static long nanos(Duration timeout) {
    try {
      return timeout.toNanos();
    } catch (ArithmeticException e) {
      return timeout.isNegative() ? 0 : Long.MAX_VALUE; // 292 years will do
    }
  }

  private void requireOpenLocked() throws BlksnapException {
    assert lock.isHeldByCurrentThread();
    switch (stateLocked()) {
      case OPEN -> {}
      case HANDED_OVER ->
          throw new BlksnapException(
              Errno.ESTALE, "the queue of snapshot " + snapshot + " was handed over; ask again");
      case CLOSED -> throw new BlksnapException(Errno.ESRCH, "snapshot " + snapshot + " is gone");
    }
  }

  @SuppressWarnings("GuardedBy") // asserted by the caller
  private State stateLocked() {
    return state;
  }

  @Override
  public List<BlksnapEvent.OfSnapshot> handOver() {
    return end(State.HANDED_OVER);
  }

  @Override
  public void close() {
    end(State.CLOSED);
  }

  private List<BlksnapEvent.OfSnapshot> end(State end) {
    lock.lock();
    try {
      if (state == State.OPEN) {
        state = end;
      }
      changed.signalAll();
      return backlog.takeAll();
    } finally {
      lock.unlock();
    }
  }
}

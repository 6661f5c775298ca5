// SPDX-License-Identifier: Apache-2.0
package org.blksnap.enginebase;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.event.BlksnapEvent;
import org.blksnap.api.event.EventSubscription;
import org.blksnap.enginebase.backlog.Backlog;

/**
 * Events of one snapshot that wait for somebody: the queue behind {@code wait_event}, or a
 * subscriber's own.
 *
 * <p>States: open → ended, with the errno that says why; ESTALE, where a subscriber closes it, may
 * still follow. Whoever waits when it leaves open wakes. One lock for everything: events are rare.
 */
final class EventQueue implements EventSubscription {
  private final UUID snapshot;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();

  @GuardedBy("lock")
  private final Backlog<BlksnapEvent.OfSnapshot> backlog = new Backlog<>();

  @GuardedBy("lock")
  private long dropped;

  /** OK while it is open. */
  @GuardedBy("lock")
  private Errno end = Errno.OK;

  EventQueue(UUID snapshot, List<BlksnapEvent.OfSnapshot> first) {
    this.snapshot = snapshot;
    first.forEach(this::offer);
  }

  /** Never blocks. */
  void offer(BlksnapEvent.OfSnapshot event) {
    lock.lock();
    try {
      if (end == Errno.OK) {
        dropped += backlog.add(event);
        changed.signal();
      }
    } finally {
      lock.unlock();
    }
  }

  @Override
  public BlksnapEvent.OfSnapshot next(Duration timeout) throws BlksnapException {
    long start = System.nanoTime();
    long limit = nanos(timeout);
    lock.lock();
    try {
      while (true) {
        BlksnapEvent.OfSnapshot event = backlog.take();
        if (event != null) {
          return event;
        }
        requireOpenLocked();
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
      return Math.max(0, timeout.toNanos());
    } catch (ArithmeticException e) {
      return timeout.isNegative() ? 0 : Long.MAX_VALUE; // 292 years will do
    }
  }

  private String why(Errno ended) {
    return switch (ended) {
      case ESRCH -> "snapshot " + snapshot + " was destroyed";
      case ESHUTDOWN ->
          "the engine with snapshot "
              + snapshot
              + " has stopped; where it was updated, look the snapshot up again and ask anew";
      default -> "the subscription to events of snapshot " + snapshot + " is closed";
    };
  }

  /** Takes this very event, the same object; answers whether it was there. */
  boolean take(BlksnapEvent.OfSnapshot event) {
    lock.lock();
    try {
      return backlog.take(event);
    } finally {
      lock.unlock();
    }
  }

  /** What waits, oldest first; it goes on waiting. */
  List<BlksnapEvent.OfSnapshot> waiting() {
    lock.lock();
    try {
      return backlog.all();
    } finally {
      lock.unlock();
    }
  }

  /** No more events; what waits can still be taken. The first reason counts. */
  void end(Errno why) {
    lock.lock();
    try {
      if (end == Errno.OK) {
        end = why;
      }
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** No more events, and none of those that wait. */
  void drop(Errno why) {
    lock.lock();
    try {
      end = why;
      backlog.takeAll();
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  void requireOpen() throws BlksnapException {
    lock.lock();
    try {
      requireOpenLocked();
    } finally {
      lock.unlock();
    }
  }

  @GuardedBy("lock")
  private void requireOpenLocked() throws BlksnapException {
    if (end != Errno.OK) {
      throw new BlksnapException(end, why(end));
    }
  }

  boolean isOpen() {
    lock.lock();
    try {
      return end == Errno.OK;
    } finally {
      lock.unlock();
    }
  }

  @Override
  public long dropped() {
    lock.lock();
    try {
      return dropped;
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void close() {
    drop(Errno.ESTALE);
  }
}

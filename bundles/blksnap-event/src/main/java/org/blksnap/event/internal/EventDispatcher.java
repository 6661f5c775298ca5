// SPDX-License-Identifier: Apache-2.0
package org.blksnap.event.internal;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.blksnap.api.event.BlksnapEvent;
import org.blksnap.api.event.BlksnapEventListener;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells listeners, one event at a time, in order, from one daemon thread.
 *
 * <p>States: running → draining → ended. An offer only appends under {@code lock}, which is never
 * held while a listener runs. A listener that hangs is reported by the next offer, since the thread
 * that would is the one that hangs; events then pile up to the backlog's limit. Nothing a listener
 * throws, and no interrupt it leaves behind, ends the thread.
 */
final class EventDispatcher implements AutoCloseable {
  /** A listener that takes longer is reported. */
  static final Duration SLOW = Duration.ofSeconds(1);

  /** How long closing goes on telling what was offered before. */
  static final Duration DRAIN_LIMIT = Duration.ofSeconds(2);

  private static final Logger LOG = LoggerFactory.getLogger(EventDispatcher.class);

  private final List<BlksnapEventListener> listeners = new CopyOnWriteArrayList<>();
  private final Object lock = new Object();
  private final Thread thread;

  @GuardedBy("lock")
  private final Backlog<BlksnapEvent> backlog = new Backlog<>();

  @GuardedBy("lock")
  private long lost;

  @GuardedBy("lock")
  private boolean draining;

  /** Who is being called, null between calls. Written by the thread alone. */
  @GuardedBy("lock")
  private BlksnapEventListener called;

  @GuardedBy("lock")
  private long calledAt;

  @GuardedBy("lock")
  private boolean hangReported;

  EventDispatcher() {
    thread = new Thread(this::run, "blksnap-event-dispatcher");
    thread.setDaemon(true);
    thread.start();
  }

  void add(BlksnapEventListener listener) {
    listeners.add(listener);
  }

  void remove(BlksnapEventListener listener) {
    listeners.remove(listener);
  }

  void offer(BlksnapEvent event) {
    BlksnapEventListener hanging;
    synchronized (lock) {
      if (draining) {
        return;
      }
      lost += backlog.add(event);
      lock.notifyAll();
      hanging = hangingLocked();
    }
    if (hanging != null) {
      LOG.warn(
          "event listener {} has not returned for more than {} ms; events wait for it",
          hanging,
          SLOW.toMillis());
    }
  }

  @GuardedBy("lock")
  private BlksnapEventListener hangingLocked() {
    if (called == null || hangReported || System.nanoTime() - calledAt < SLOW.toNanos()) {
      return null;
    }
    hangReported = true;
    return called;
  }

  private void run() {
    while (true) {
      try {
        BlksnapEvent event = next();
        if (event == null) {
          return;
        }
        for (BlksnapEventListener listener : listeners) {
          call(listener, event);
        }
      } catch (InterruptedException e) {
        LOG.debug("the wait for an event was interrupted; draining alone ends it", e);
      }
    }
  }

  private BlksnapEvent next() throws InterruptedException {
    long missing;
    BlksnapEvent event;
    synchronized (lock) {
      event = backlog.take();
      while (event == null && !draining) {
        lock.wait();
        event = backlog.take();
      }
      missing = lost;
      lost = 0;
    }
    if (missing > 0) {
      LOG.warn(
          "{} events were dropped: more than {} were waiting for listeners",
          missing,
          Backlog.LIMIT);
    }
    return event;
  }

  private void call(BlksnapEventListener listener, BlksnapEvent event) {
    long start = System.nanoTime();
    synchronized (lock) {
      called = listener;
      calledAt = start;
      hangReported = false;
    }
    try {
      listener.onEvent(event);
    } catch (Throwable e) {
      LOG.warn("event listener {} failed on {}; it goes on being called", listener, event, e);
    }
    synchronized (lock) {
      called = null;
      if (!draining) {
        Thread.interrupted(); // the listener's own; one of ours comes only at the stop
      }
    }
    long taken = System.nanoTime() - start;
    if (taken > SLOW.toNanos()) {
      LOG.warn(
          "event listener {} took {} ms for {}; more than {} ms hold up all others",
          listener,
          taken / 1_000_000,
          event,
          SLOW.toMillis());
    }
  }

  /** Tells what was offered, within {@link #DRAIN_LIMIT}, then stops. Idempotent. */
  @Override
  public void close() {
    synchronized (lock) {
      draining = true;
      lock.notifyAll();
    }
    if (Thread.currentThread() == thread) {
      return; // a listener stopped us: the thread ends by itself
    }
    try {
      thread.join(DRAIN_LIMIT.toMillis());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    int untold;
    synchronized (lock) {
      untold = backlog.takeAll().size();
    }
    if (untold > 0) {
      LOG.warn(
          "{} events were not told: listeners took more than {} ms at the stop",
          untold,
          DRAIN_LIMIT.toMillis());
    }
    thread.interrupt();
  }
}

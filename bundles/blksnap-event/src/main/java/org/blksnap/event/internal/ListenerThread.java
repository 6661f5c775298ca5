// SPDX-License-Identifier: Apache-2.0
package org.blksnap.event.internal;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.blksnap.api.event.BlksnapEvent;
import org.blksnap.api.event.BlksnapEventListener;
import org.blksnap.api.health.Finding;
import org.blksnap.enginebase.backlog.Backlog;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One listener, told one event at a time, in order, in a daemon thread of its own.
 *
 * <p>States: running → draining → ended, or running → left. An offer only appends under {@code
 * lock}, which is never held while the listener runs. A listener that hangs is reported by the next
 * offer and by the doctor; its events pile up to the backlog's limit. Nothing it throws, and no
 * interrupt it leaves behind, ends the thread. It is named by its class, for {@code toString} is
 * foreign code that the offering thread must not run.
 */
final class ListenerThread {
  /** A call that takes longer is reported in the log. */
  static final Duration SLOW = Duration.ofSeconds(1);

  /** A call that takes longer is a finding of the doctor. */
  static final Duration HANGS = Duration.ofSeconds(5);

  /** How long closing goes on telling what was offered before, all listeners together. */
  static final Duration DRAIN_LIMIT = Duration.ofSeconds(2);

  private static final Logger LOG = LoggerFactory.getLogger(ListenerThread.class);
  private static final AtomicInteger SERIAL = new AtomicInteger();

  private final BlksnapEventListener listener;
  private final String name;
  private final Object lock = new Object();
  private final Thread thread;

  @GuardedBy("lock")
  private final Backlog<BlksnapEvent> backlog = new Backlog<>();

  @GuardedBy("lock")
  private long lost;

  @GuardedBy("lock")
  private boolean draining;

  /** A call is under way, since {@link #calledAt}. */
  @GuardedBy("lock")
  private boolean called;

  @GuardedBy("lock")
  private long calledAt;

  @GuardedBy("lock")
  private boolean hangReported;

  private ListenerThread(BlksnapEventListener listener) {
    this.listener = listener;
    this.name = listener.getClass().getName();
    this.thread = new Thread(this::run, "blksnap-event-listener-" + SERIAL.incrementAndGet());
    this.thread.setDaemon(true);
  }

  static ListenerThread started(BlksnapEventListener listener) {
    ListenerThread made = new ListenerThread(listener);
    made.thread.start();
    return made;
  }

  void offer(BlksnapEvent event) {
    boolean hangs;
    synchronized (lock) {
      if (draining) {
        return;
      }
      lost += backlog.add(event);
      lock.notifyAll();
      hangs = called && !hangReported && System.nanoTime() - calledAt >= SLOW.toNanos();
      hangReported |= hangs;
    }
    if (hangs) {
      LOG.warn(
          "event listener {} has not returned for more than {} ms; its events wait for it",
          name,
          SLOW.toMillis());
    }
  }

  private void run() {
    while (true) {
      try {
        BlksnapEvent event = next();
        if (event == null) {
          return;
        }
        call(event);
      } catch (InterruptedException e) {
        LOG.debug("the wait for an event was interrupted; draining alone ends it", e);
      } catch (Throwable e) {
        LOG.error("event listener {}: its thread goes on after {}", name, e.getClass().getName());
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
          "{} events were dropped: more than {} were waiting for listener {}",
          missing,
          Backlog.LIMIT,
          name);
    }
    return event;
  }

  private void call(BlksnapEvent event) {
    long start = System.nanoTime();
    synchronized (lock) {
      called = true;
      calledAt = start;
      hangReported = false;
    }
    try {
      listener.onEvent(event);
    } catch (Throwable e) {
      LOG.warn("event listener {} failed on {}; it goes on being called", name, event, e);
    } finally {
      synchronized (lock) {
        called = false;
        if (!draining) {
          Thread.interrupted(); // the listener's own; one of ours comes only at the stop
        }
      }
    }
    long taken = System.nanoTime() - start;
    if (taken > SLOW.toNanos()) {
      LOG.warn("event listener {} took {} ms for {}", name, taken / 1_000_000, event);
    }
  }

  /** What the doctor says of it; empty unless it hangs. */
  Optional<Finding> finding() {
    long since;
    synchronized (lock) {
      if (!called || System.nanoTime() - calledAt < HANGS.toNanos()) {
        return Optional.empty();
      }
      since = System.nanoTime() - calledAt;
    }
    return Optional.of(
        new Finding(
            Finding.Severity.WARNING,
            "event listener " + name,
            "it has not returned from onEvent for "
                + TimeUnit.NANOSECONDS.toSeconds(since)
                + " s; its events wait, those of others do not",
            "restart the bundle that registers it: see bundle:list, then bundle:restart"));
  }

  /** It listens no more: what waits is dropped, and a call that hangs is interrupted. */
  void leave() {
    boolean hangs;
    synchronized (lock) {
      draining = true;
      backlog.takeAll();
      lock.notifyAll();
      hangs = called && System.nanoTime() - calledAt >= SLOW.toNanos();
    }
    if (hangs) {
      thread.interrupt();
    }
  }

  /** No more offers; what was offered is told, then the thread ends. */
  void drain() {
    synchronized (lock) {
      draining = true;
      lock.notifyAll();
    }
  }

  /** Waits for the end of {@link #drain}, then ends the thread as far as it lets itself. */
  void end(long millis) {
    if (Thread.currentThread() == thread) {
      return; // a listener stopped us: the thread ends by itself
    }
    try {
      if (millis > 0) {
        thread.join(millis);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    int untold;
    synchronized (lock) {
      untold = backlog.takeAll().size();
    }
    if (untold > 0) {
      LOG.warn(
          "{} events were not told: listener {} took more than {} ms at the stop",
          untold,
          name,
          DRAIN_LIMIT.toMillis());
    }
    thread.interrupt();
  }
}

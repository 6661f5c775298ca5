// SPDX-License-Identifier: Apache-2.0
package org.blksnap.enginebase;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.event.BlksnapEvent;
import org.blksnap.spi.event.EventProvider;
import org.blksnap.spi.event.EventQueue;
import org.blksnap.spi.event.EventSink;

/**
 * Events on their way from the engine to the event bundle, also while that bundle is being swapped:
 * what comes meanwhile is kept here, bounded, and given to the successor; waiters go on waiting.
 * One monitor guards everything; nothing is called under it that blocks.
 */
public final class EventRelay implements EventSink {
  /** Events kept while nobody is there to take them; the oldest goes first. */
  public static final int LARGEST_BACKLOG = 1024;

  @GuardedBy("this")
  private final Map<UUID, EventQueue> queues = new HashMap<>();

  @GuardedBy("this")
  private final Map<UUID, ArrayDeque<BlksnapEvent.OfSnapshot>> left = new HashMap<>();

  @GuardedBy("this")
  private final ArrayDeque<BlksnapEvent> backlog = new ArrayDeque<>();

  @GuardedBy("this")
  private EventProvider provider;

  public synchronized void provide(EventProvider newProvider) {
    if (provider != null) {
      withdraw(provider);
    }
    provider = newProvider;
    left.forEach((id, events) -> queues.put(id, newProvider.open(id, List.copyOf(events))));
    left.clear();
    backlog.forEach(newProvider::offer);
    backlog.clear();
    notifyAll();
  }

  public synchronized void withdraw(EventProvider old) {
    if (provider != old) {
      return;
    }
    provider = null;
    queues.forEach((id, queue) -> left.put(id, new ArrayDeque<>(queue.handOver())));
    queues.clear();
  }

  public synchronized void open(UUID snapshot) {
    if (provider != null) {
      queues.put(snapshot, provider.open(snapshot, List.of()));
    } else {
      left.put(snapshot, new ArrayDeque<>());
    }
  }

  public synchronized void close(UUID snapshot) {
    left.remove(snapshot);
    EventQueue queue = queues.remove(snapshot);
    if (queue != null) {
      queue.close();
    }
    notifyAll();
  }

  @Override
  public synchronized void offer(BlksnapEvent event) {
    if (event instanceof BlksnapEvent.LowFreeSpace || event instanceof BlksnapEvent.Corrupted) {
      offerToWaiters((BlksnapEvent.OfSnapshot) event);
    }
    if (provider != null) {
      provider.offer(event);
      return;
    }
    if (backlog.size() == LARGEST_BACKLOG) {
      backlog.removeFirst();
    }
    backlog.addLast(event);
  }

  @GuardedBy("this")
  private void offerToWaiters(BlksnapEvent.OfSnapshot event) {
    EventQueue queue = queues.get(event.snapshot());
    if (queue != null) {
      queue.offer(event);
      return;
    }
    ArrayDeque<BlksnapEvent.OfSnapshot> kept = left.get(event.snapshot());
    if (kept != null) {
      if (kept.size() == LARGEST_BACKLOG) {
        kept.removeFirst();
      }
      kept.addLast(event);
    }
  }

  public BlksnapEvent.OfSnapshot await(UUID snapshot, Duration timeout) throws BlksnapException {
    long deadline = System.nanoTime() + timeout.toNanos();
    for (; ; ) {
      EventQueue queue = queueFor(snapshot, deadline);
      try {
        return queue.poll(Duration.ofNanos(Math.max(0, deadline - System.nanoTime())));
      } catch (BlksnapException e) {
        if (e.errno() != Errno.ESTALE) {
          throw e;
        }
      }
    }
  }

  private synchronized EventQueue queueFor(UUID snapshot, long deadline) throws BlksnapException {
    for (; ; ) {
      EventQueue queue = queues.get(snapshot);
      if (queue != null) {
        return queue;
      }
      if (!left.containsKey(snapshot)) {
        throw new BlksnapException(
            Errno.ESRCH, "no snapshot " + snapshot + ": it was destroyed, or never was");
      }
      long wait = deadline - System.nanoTime();
      if (wait <= 0) {
        throw new BlksnapException(
            Errno.ENOENT,
            "no event of snapshot " + snapshot + " came in time (the event bundle is away)");
      }
      try {
        TimeUnit.NANOSECONDS.timedWait(this, wait);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new BlksnapException(
            Errno.EINTR, "interrupted while waiting for an event of snapshot " + snapshot, e);
      }
    }
  }

  /** Ids with a queue, for tests. */
  public synchronized List<UUID> open() {
    List<UUID> ids = new ArrayList<>(queues.keySet());
    ids.addAll(left.keySet());
    return ids;
  }
}

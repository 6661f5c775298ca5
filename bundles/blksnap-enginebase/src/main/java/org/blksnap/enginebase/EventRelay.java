// SPDX-License-Identifier: Apache-2.0
package org.blksnap.enginebase;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.event.BlksnapEvent;
import org.blksnap.api.event.EventSubscription;
import org.blksnap.enginebase.backlog.Backlog;
import org.blksnap.spi.event.EventProvider;
import org.blksnap.spi.event.EventSink;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Events on their way from the engine to those who wait, and to the event bundle, which tells those
 * who listen. Queues of waiters stand here, so a swap of that bundle changes nothing for them; what
 * it is to be told meanwhile is kept, bounded, for its successor. One monitor guards everything;
 * nothing is called under it that blocks.
 */
public final class EventRelay implements EventSink {
  private static final Logger LOG = LoggerFactory.getLogger(EventRelay.class);

  private final String engine;

  /** Those of a snapshot that an engine left behind at its stop stay, to say so. */
  @GuardedBy("this")
  private final Map<UUID, SnapshotQueues> queues = new HashMap<>();

  /** For listeners, while nobody is there to tell them. */
  @GuardedBy("this")
  private final Backlog<BlksnapEvent> backlog = new Backlog<>();

  @GuardedBy("this")
  private long lost;

  @GuardedBy("this")
  private EventProvider provider;

  public EventRelay(String engine) {
    this.engine = engine;
  }

  /** The engine's name, for its events. */
  public String engine() {
    return engine;
  }

  public synchronized void provide(EventProvider newProvider) {
    provider = newProvider;
    backlog.takeAll().forEach(newProvider::offer);
    if (lost > 0) {
      LOG.warn(
          "{} events were not told to listeners: more than {} came while the event bundle was away",
          lost,
          Backlog.LIMIT);
      lost = 0;
    }
  }

  public synchronized void withdraw(EventProvider old) {
    if (provider == old) {
      provider = null;
    }
  }

  /** From here on its events are kept. */
  public synchronized void open(UUID snapshot) {
    queues.put(snapshot, new SnapshotQueues(snapshot));
  }

  /** The snapshot is destroyed: ESRCH for all who wait. */
  public synchronized void close(UUID snapshot) {
    SnapshotQueues gone = queues.remove(snapshot);
    if (gone != null) {
      gone.end(Errno.ESRCH);
    }
  }

  /** The engine stops, the snapshot lives on: ESHUTDOWN for all who wait, and who come later. */
  public synchronized void leave(UUID snapshot) {
    SnapshotQueues left = queues.get(snapshot);
    if (left != null) {
      left.end(Errno.ESHUTDOWN);
    }
  }

  @Override
  public synchronized void offer(BlksnapEvent event) {
    if (event instanceof BlksnapEvent.OfSnapshot ofSnapshot) {
      SnapshotQueues waiting = queues.get(ofSnapshot.snapshot());
      if (waiting != null) {
        waiting.offer(ofSnapshot);
      }
    }
    if (provider != null) {
      provider.offer(event);
    } else {
      lost += backlog.add(event);
    }
  }

  /** {@code Snapshot.waitEvent}. */
  public BlksnapEvent.OfSnapshot await(UUID snapshot, Duration timeout) throws BlksnapException {
    EventQueue untaken;
    synchronized (this) {
      untaken = of(snapshot).untaken();
    }
    return untaken.next(timeout);
  }

  /** {@code Snapshot.subscribe}. */
  public synchronized EventSubscription subscribe(UUID snapshot) throws BlksnapException {
    return of(snapshot).subscribe();
  }

  /** {@code Snapshot.acknowledge}. */
  public synchronized boolean acknowledge(BlksnapEvent.OfSnapshot event) {
    SnapshotQueues found = queues.get(event.snapshot());
    return found != null && found.untaken().take(event);
  }

  @GuardedBy("this")
  private SnapshotQueues of(UUID snapshot) throws BlksnapException {
    SnapshotQueues found = queues.get(snapshot);
    if (found == null) {
      throw new BlksnapException(
          Errno.ESRCH, "no snapshot " + snapshot + ": it was destroyed, or never was");
    }
    return found;
  }

  /** Ids with queues, for tests. */
  public synchronized List<UUID> open() {
    return List.copyOf(queues.keySet());
  }
}

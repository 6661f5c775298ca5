// SPDX-License-Identifier: Apache-2.0
package org.blksnap.enginebase.backlog;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import org.blksnap.api.event.BlksnapEvent;
import org.blksnap.api.event.EventSubscription;

/**
 * Events waiting, oldest first, at most {@link #LIMIT}. What gives way when it is full: the oldest
 * LowFreeSpace (a later one asks again), else the new event, unless that says that a device is
 * corrupted: such a one is always kept, and there is one a device and snapshot at most, so their
 * number is bounded by the devices.
 *
 * <p>Not thread-safe: its owner's lock guards it.
 */
public final class Backlog<E extends BlksnapEvent> {
  /** Events kept. */
  public static final int LIMIT = EventSubscription.CAPACITY;

  private final ArrayDeque<E> events = new ArrayDeque<>();

  /** Answers how many events were lost for it: 0 or 1. */
  public int add(E event) {
    if (events.size() < LIMIT) {
      events.add(event);
      return 0;
    }
    if (event instanceof BlksnapEvent.Corrupted corrupted && holds(corrupted)) {
      return 0; // the first error of a device is the one that counts
    }
    if (dropOldestLowFreeSpace() || event instanceof BlksnapEvent.Corrupted) {
      events.add(event);
    }
    return 1;
  }

  private boolean holds(BlksnapEvent.Corrupted event) {
    return events.stream()
        .anyMatch(
            e ->
                e instanceof BlksnapEvent.Corrupted c
                    && c.snapshot().equals(event.snapshot())
                    && c.device().equals(event.device()));
  }

  private boolean dropOldestLowFreeSpace() {
    for (Iterator<E> i = events.iterator(); i.hasNext(); ) {
      if (i.next() instanceof BlksnapEvent.LowFreeSpace) {
        i.remove();
        return true;
      }
    }
    return false;
  }

  /** The oldest, or null. */
  public E take() {
    return events.poll();
  }

  /** Takes this very event, the same object; answers whether it was there. */
  public boolean take(E event) {
    for (Iterator<E> i = events.iterator(); i.hasNext(); ) {
      if (i.next() == event) {
        i.remove();
        return true;
      }
    }
    return false;
  }

  /** What waits, oldest first; it goes on waiting. */
  public List<E> all() {
    return new ArrayList<>(events);
  }

  public List<E> takeAll() {
    List<E> all = all();
    events.clear();
    return all;
  }
}

// SPDX-License-Identifier: Apache-2.0
package org.blksnap.event.internal;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import org.blksnap.api.event.BlksnapEvent;

/**
 * Events waiting, oldest first, at most {@link #LIMIT}. What gives way when it is full: the oldest
 * LowFreeSpace (a later one asks again), else the new event, unless that says that a device is
 * corrupted: such a one is always kept, and there is one a device and snapshot at most, so their
 * number is bounded by the devices.
 *
 * <p>Not thread-safe: its owner's lock guards it.
 */
final class Backlog<E extends BlksnapEvent> {
  /** Events kept. */
  static final int LIMIT = 1024;

  private final ArrayDeque<E> events = new ArrayDeque<>();

  /** Answers how many events were lost for it: 0 or 1. */
  int add(E event) {
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
  E take() {
    return events.poll();
  }

  List<E> takeAll() {
    List<E> all = new ArrayList<>(events);
    events.clear();
    return all;
  }
}

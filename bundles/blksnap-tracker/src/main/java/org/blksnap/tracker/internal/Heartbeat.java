// SPDX-License-Identifier: Apache-2.0
package org.blksnap.tracker.internal;

import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongSupplier;

/**
 * Writes the time into the file of every open map, from one daemon thread: after a kill, a device
 * changed later than that was changed behind our back. It only stores into memory.
 */
final class Heartbeat implements AutoCloseable {
  static final Duration PERIOD = Duration.ofMillis(250);

  private static final Duration STOP_LIMIT = Duration.ofSeconds(2);

  private final Set<DeviceTracker> trackers = ConcurrentHashMap.newKeySet();
  private final LongSupplier clock;
  private final Thread thread;
  private volatile boolean stopped;

  Heartbeat(LongSupplier clock) {
    this.clock = clock;
    thread = new Thread(this::run, "blksnap-tracker-heartbeat");
    thread.setDaemon(true);
    thread.start();
  }

  void add(DeviceTracker tracker) {
    trackers.add(tracker);
  }

  void remove(DeviceTracker tracker) {
    trackers.remove(tracker);
  }

  private void run() {
    while (!stopped) {
      long now = clock.getAsLong();
      trackers.forEach(tracker -> tracker.beat(now));
      try {
        Thread.sleep(PERIOD.toMillis());
      } catch (InterruptedException e) {
        return;
      }
    }
  }

  @Override
  public void close() {
    stopped = true;
    thread.interrupt();
    try {
      thread.join(STOP_LIMIT.toMillis());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}

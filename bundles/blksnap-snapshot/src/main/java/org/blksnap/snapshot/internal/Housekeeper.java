// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal;

import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.enginebase.DaemonThreads;
import org.blksnap.spi.device.RawDevice;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One daemon thread for what must not be done where it is noticed: writing errors down, looking at
 * capacities, timeouts.
 */
final class Housekeeper {
  private static final Logger LOG = LoggerFactory.getLogger(Housekeeper.class);

  private final Engine engine;
  private final ScheduledThreadPoolExecutor executor;

  /** Devices whose capacity could not be read in the last round; the one thread's own. */
  private final Set<String> unread = new HashSet<>();

  /** Work that may fail with a reason for the log. */
  interface Chore {
    void run() throws BlksnapException;
  }

  Housekeeper(Engine engine) {
    this.engine = engine;
    this.executor = new ScheduledThreadPoolExecutor(1, DaemonThreads.named("blksnap-housekeeper"));
    this.executor.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
    this.executor.setRemoveOnCancelPolicy(true);
  }

  void start() {
    watchAgain();
  }

  /** The interval is read each time, since the times may come into force after the start. */
  private void watchAgain() {
    long interval = engine.settings().watchInterval().toMillis();
    try {
      executor.schedule(this::watchCapacities, interval, TimeUnit.MILLISECONDS);
    } catch (RejectedExecutionException e) {
      LOG.debug("capacities are watched no more, the engine is stopping");
    }
  }

  void later(Chore chore) {
    try {
      executor.execute(() -> runLogged(chore));
    } catch (RejectedExecutionException e) {
      LOG.debug("not done, the engine is stopping");
    }
  }

  ScheduledFuture<?> after(long millis, Chore chore) {
    return executor.schedule(() -> runLogged(chore), millis, TimeUnit.MILLISECONDS);
  }

  private static void runLogged(Chore chore) {
    try {
      chore.run();
    } catch (BlksnapException e) {
      LOG.error("{}", e.toString());
    } catch (Throwable e) {
      LOG.error("the housekeeper goes on after: {}", e.toString(), e);
    }
  }

  /** No round ends the watch, whatever is thrown in it; each failing device is said once. */
  private void watchCapacities() {
    try {
      engine.filteredDevices().forEach(this::watch);
    } finally {
      watchAgain();
    }
  }

  private void watch(FilteredDevice device) {
    try {
      RawDevice raw = device.raw();
      if (raw != null && !device.gateOfRequests().isClosed()) {
        engine.rescan(device);
      }
      unread.remove(device.name());
    } catch (Throwable e) {
      if (unread.add(device.name())) {
        LOG.warn(
            "device {}: its capacity is not known, it is looked at again: {}",
            device.name(),
            e.toString());
      }
    }
  }

  void close() {
    executor.shutdownNow();
  }
}

// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal.control;

import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.enginebase.thread.DaemonThreads;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One daemon thread for what must not be done where it is noticed: writing errors down, looking at
 * capacities, timeouts.
 */
public final class Housekeeper {
  private static final Logger LOG = LoggerFactory.getLogger(Housekeeper.class);

  private final ScheduledThreadPoolExecutor executor;

  /** Work that may fail with a reason for the log. */
  public interface Chore {
    void run() throws BlksnapException;
  }

  Housekeeper() {
    this.executor = new ScheduledThreadPoolExecutor(1, DaemonThreads.named("blksnap-housekeeper"));
    this.executor.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
    this.executor.setRemoveOnCancelPolicy(true);
  }

  void later(Chore chore) {
    try {
      executor.execute(() -> runLogged(chore));
    } catch (RejectedExecutionException e) {
      LOG.debug("not done, the engine is stopping");
    }
  }

  /** RejectedExecutionException where the engine is stopping. */
  public ScheduledFuture<?> after(long millis, Chore chore) {
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

  /** From now on nothing is begun; what waits for a lock already has to ask. */
  public boolean isClosed() {
    return executor.isShutdown();
  }

  public void close() {
    executor.shutdownNow();
  }
}

// SPDX-License-Identifier: Apache-2.0
package org.blksnap.diffstorage.internal;

import java.util.UUID;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The thread in which a pool makes its next file. One thread, gone when idle, and one wish waiting;
 * more wishes at a time would say the same, and are dropped.
 */
final class Grower implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Grower.class);

  /** Longest time closing waits for a file being made. */
  static final long STOP_SECONDS = 10;

  /** Between two tries to make a file where something other than room is missing. */
  static final long PAUSE_NANOS = 100_000_000;

  private static final long IDLE_SECONDS = 5;

  private final UUID snapshot;
  private final ThreadPoolExecutor thread;

  Grower(UUID snapshot) {
    this.snapshot = snapshot;
    this.thread =
        new ThreadPoolExecutor(
            0,
            1,
            IDLE_SECONDS,
            TimeUnit.SECONDS,
            new ArrayBlockingQueue<>(1),
            task -> {
              Thread made = new Thread(task, "blksnap-diffstorage-" + snapshot);
              made.setDaemon(true);
              return made;
            },
            new ThreadPoolExecutor.DiscardPolicy());
  }

  void wish(Runnable growth) {
    thread.execute(growth);
  }

  /**
   * Between two tries to make a file; without the pool's lock. Not shortened by an interrupt, which
   * is kept.
   */
  static void pause() {
    boolean interrupted = Thread.interrupted();
    long end = System.nanoTime() + PAUSE_NANOS;
    for (long left = PAUSE_NANOS; left > 0; left = end - System.nanoTime()) {
      LockSupport.parkNanos(left);
      interrupted |= Thread.interrupted();
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public void close() {
    thread.shutdown();
    try {
      if (!thread.awaitTermination(STOP_SECONDS, TimeUnit.SECONDS)) {
        LOG.warn("difference storage of snapshot {} still makes a file", snapshot);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}

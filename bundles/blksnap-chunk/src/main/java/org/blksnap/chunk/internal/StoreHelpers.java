// SPDX-License-Identifier: Apache-2.0
package org.blksnap.chunk.internal;

import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/**
 * Threads beside the leader of a {@link StoreWorker}, that come one by one and go when idle. They
 * are called by live writes too, so where none can come, those that are there go on alone: at the
 * bound, and where the machine has no thread to give.
 */
final class StoreHelpers {
  /** Threads beside the leader. */
  static final int MOST = 15;

  /** A write of one piece to the storage that takes longer wants company. */
  static final long SLOW_NANOS = 5_000_000;

  private static final long IDLE_SECONDS = 2;

  private final ThreadPoolExecutor threads;

  StoreHelpers(ThreadFactory factory) {
    threads =
        new ThreadPoolExecutor(
            0,
            MOST,
            IDLE_SECONDS,
            TimeUnit.SECONDS,
            new SynchronousQueue<>(),
            factory,
            new ThreadPoolExecutor.DiscardPolicy());
  }

  /** One more, if there may be one. */
  void call(Runnable task) {
    try {
      threads.execute(task);
    } catch (OutOfMemoryError noThread) {
      // The pool has taken the thread back that did not start; the next call tries again.
      return;
    }
  }

  /** None comes any more. */
  void end() {
    threads.shutdown();
  }

  boolean ended() {
    return threads.isTerminated();
  }

  void awaitEnd(long nanos) throws InterruptedException {
    boolean unused = threads.awaitTermination(nanos, TimeUnit.NANOSECONDS);
  }
}

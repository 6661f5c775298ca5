// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal.control;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.blksnap.enginebase.thread.DaemonThreads;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The same work for several devices at once, each in a daemon thread of its own, so that it takes
 * as long as the slowest of them and not as long as all together. The wait has a bound; what is not
 * done by then goes on by itself. The work asks for no lock that the caller holds.
 */
public final class Together {
  private static final Logger LOG = LoggerFactory.getLogger(Together.class);
  private static final ThreadFactory THREADS = DaemonThreads.named("blksnap-together");

  private Together() {}

  /** True where all was done within the bound. An interrupt is kept for later. */
  public static <T> boolean each(
      String what, Collection<? extends T> items, Duration bound, Consumer<T> work) {
    List<CountDownLatch> done = new ArrayList<>();
    for (T item : items) {
      done.add(begin(what, item, work));
    }
    long deadline = System.nanoTime() + bound.toNanos();
    boolean interrupted = false;
    boolean all = true;
    for (CountDownLatch one : done) {
      while (true) {
        try {
          all &= one.await(Math.max(0, deadline - System.nanoTime()), TimeUnit.NANOSECONDS);
          break;
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
    }
    if (!all) {
      LOG.warn("{} is not done after {}; it goes on by itself", what, bound);
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
    return all;
  }

  private static <T> CountDownLatch begin(String what, T item, Consumer<T> work) {
    CountDownLatch done = new CountDownLatch(1);
    Runnable all =
        () -> {
          try {
            work.accept(item);
          } catch (Throwable e) {
            LOG.error("{}: {}", what, e.toString(), e);
          } finally {
            done.countDown();
          }
        };
    Thread thread = THREADS.newThread(all);
    try {
      thread.start();
    } catch (Error e) {
      LOG.warn("{}: no thread for it ({}), so it is done here", what, e.toString());
      all.run();
    }
    return done;
  }
}

// SPDX-License-Identifier: Apache-2.0
package org.blksnap.shell.internal.lookup;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.time.Duration;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.blksnap.api.health.Examination;
import org.blksnap.api.health.Finding;

/**
 * Runs examinations, which are foreign code, each in a thread of its own and for a bounded time.
 * One that has not returned is not asked again while it hangs, so a doctor called every minute
 * costs one thread for it and no more. Monitor: which hang.
 */
public final class Examiner {
  /** By identity; the thread is in the examination as long as it is alive. */
  @GuardedBy("this")
  private final Map<Examination, Thread> hanging = new IdentityHashMap<>();

  /**
   * What the examination says.
   *
   * @throws ExecutionException with the reason for which it says nothing, or nothing of use
   */
  public List<Finding> ask(String subject, Examination examination, Duration bound)
      throws ExecutionException, InterruptedException, TimeoutException {
    if (hangs(examination)) {
      throw new TimeoutException("still no answer from an earlier call; it is not asked again");
    }
    FutureTask<List<Finding>> task = new FutureTask<>(() -> List.copyOf(examination.examine()));
    Thread thread = new Thread(task, "blksnap-doctor-" + subject);
    thread.setDaemon(true);
    try {
      thread.start();
    } catch (Error e) {
      throw new ExecutionException("it could not be asked", e);
    }
    try {
      return task.get(bound.toMillis(), TimeUnit.MILLISECONDS);
    } catch (TimeoutException e) {
      task.cancel(true);
      remember(examination, thread);
      throw new TimeoutException("no answer within " + bound.toMillis() + " ms");
    } catch (InterruptedException e) {
      task.cancel(true);
      remember(examination, thread);
      throw e;
    }
  }

  private synchronized boolean hangs(Examination examination) {
    hanging.values().removeIf(thread -> !thread.isAlive());
    return hanging.containsKey(examination);
  }

  private synchronized void remember(Examination examination, Thread thread) {
    hanging.put(examination, thread);
  }
}

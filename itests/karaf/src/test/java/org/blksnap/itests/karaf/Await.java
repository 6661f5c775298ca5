// SPDX-License-Identifier: Apache-2.0
package org.blksnap.itests.karaf;

import java.time.Duration;
import java.util.concurrent.Callable;
import org.osgi.framework.BundleContext;
import org.osgi.framework.ServiceReference;

/** Waits for what will come, up to a limit. */
final class Await {
  private static final long STEP_MILLIS = 20;

  private Await() {}

  /**
   * Until the condition holds. An exception counts as not yet; the last one is kept as the cause.
   */
  static void until(String what, Duration limit, Callable<Boolean> condition) {
    long end = System.nanoTime() + limit.toNanos();
    Exception last = null;
    do {
      try {
        if (condition.call()) {
          return;
        }
        Thread.sleep(STEP_MILLIS);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new AssertionError("interrupted while waiting until " + what, e);
      } catch (Exception e) {
        last = e;
      }
    } while (System.nanoTime() < end);
    throw new AssertionError("not within " + limit + ": " + what, last);
  }

  /** The service, once it is there. */
  static <T> T service(BundleContext context, Class<T> type, Duration limit) {
    Object[] found = new Object[1];
    until(
        "there is a service " + type.getName(),
        limit,
        () -> {
          ServiceReference<T> reference = context.getServiceReference(type);
          found[0] = reference == null ? null : context.getService(reference);
          return found[0] != null;
        });
    return type.cast(found[0]);
  }
}

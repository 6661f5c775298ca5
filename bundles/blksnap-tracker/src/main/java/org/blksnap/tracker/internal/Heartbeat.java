// SPDX-License-Identifier: Apache-2.0
package org.blksnap.tracker.internal;

import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes the time into the file of every open map, from one daemon thread: after a kill, a device
 * changed later than that was changed behind our back. It only stores into memory. A map whose page
 * is lost becomes void; the others' heartbeat goes on.
 */
final class Heartbeat implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Heartbeat.class);

  static final Duration PERIOD = Duration.ofMillis(250);

  private static final Duration STOP_LIMIT = Duration.ofSeconds(2);

  private final Set<Beating> beating = ConcurrentHashMap.newKeySet();
  private final LongSupplier clock;
  private final Thread thread;
  private volatile boolean stopped;

  /** A round has failed; the thread's own. */
  private boolean said;

  Heartbeat(LongSupplier clock) {
    this.clock = clock;
    thread = new Thread(this::run, "blksnap-tracker-heartbeat");
    thread.setDaemon(true);
    thread.start();
  }

  void add(Beating one) {
    beating.add(one);
  }

  void remove(Beating one) {
    beating.remove(one);
  }

  private void run() {
    while (!stopped) {
      try {
        beatAll(clock.getAsLong());
      } catch (InternalError late) { // the JVM may tell of a fault some instructions after it
        LOG.warn(
            "a change map's memory could not be written; its next heartbeat tells whose", late);
      } catch (Throwable thrown) {
        sayOnce(thrown);
      }
      try {
        Thread.sleep(PERIOD.toMillis());
      } catch (InterruptedException e) {
        return;
      } catch (InternalError late) {
        LOG.debug("told late", late);
      }
    }
  }

  /**
   * Whatever one round throws, the next one comes; said once, for it may come four times a second.
   */
  private void sayOnce(Throwable thrown) {
    if (!said) {
      said = true;
      LOG.error("the heartbeat of the change maps goes on after", thrown);
    }
  }

  private void beatAll(long now) {
    for (Beating one : beating) {
      beat(one, now);
    }
  }

  /** A fault of one map's memory is that map's alone. */
  private static void beat(Beating one, long now) {
    try {
      one.beat(now);
    } catch (InternalError | RuntimeException fault) {
      one.beatFailed(fault);
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

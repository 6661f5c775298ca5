// SPDX-License-Identifier: Apache-2.0
package org.blksnap.control.internal.shelf;

import java.util.Collection;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.blksnap.api.handover.HandoverShelf;
import org.blksnap.enginebase.DaemonThreads;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Modified;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps what a bundle leaves for its successor, for as long as I/O would wait for it. The time is
 * that of PID {@code org.blksnap.engine} when something is left; a bad one is told by the engine,
 * which reads the same key, and the one in force before stays here too.
 */
@Component(service = HandoverShelf.class, configurationPid = "org.blksnap.engine")
public final class Shelf implements HandoverShelf {
  private static final Logger LOG = LoggerFactory.getLogger(Shelf.class);
  private static final String TIMEOUT = "handover_timeout_seconds";
  private static final long LEAST_SECONDS = 1;
  private static final long MOST_SECONDS = 15;
  private static final long DEFAULT_SECONDS = 10;

  private volatile long keepMillis;
  private final Map<String, Object> left = new ConcurrentHashMap<>();
  private final ScheduledThreadPoolExecutor expiry =
      new ScheduledThreadPoolExecutor(1, DaemonThreads.named("blksnap-shelf"));

  @Activate
  public Shelf(Map<String, Object> configured) {
    this(TimeUnit.SECONDS.toMillis(DEFAULT_SECONDS));
    modified(configured);
  }

  /** Keeps things for so many milliseconds. */
  public Shelf(long keepMillis) {
    this.keepMillis = keepMillis;
  }

  /** What lies on the shelf stays there. */
  @Modified
  void modified(Map<String, Object> configured) {
    Object given = configured.get(TIMEOUT);
    String text = given == null ? "" : given.toString().trim();
    try {
      long seconds = text.isEmpty() ? DEFAULT_SECONDS : Long.parseLong(text);
      if (seconds >= LEAST_SECONDS && seconds <= MOST_SECONDS) {
        keepMillis = TimeUnit.SECONDS.toMillis(seconds);
      }
    } catch (NumberFormatException e) {
      LOG.debug("{} is not a number", TIMEOUT, e);
    }
  }

  long keepMillis() {
    return keepMillis;
  }

  @Override
  public void leave(String key, Object neutral) {
    long keep = keepMillis;
    Object older = left.put(key, neutral);
    if (older != null) {
      drop(key, older);
    }
    if (expiry.isShutdown()) {
      left.remove(key, neutral);
      drop(key, neutral);
      return;
    }
    expiry.schedule(
        () -> {
          if (left.remove(key, neutral)) {
            LOG.warn("nobody came for {} within {} ms; it is closed", key, keep);
            drop(key, neutral);
          }
        },
        keep,
        TimeUnit.MILLISECONDS);
  }

  @Override
  public Optional<Object> fetch(String key) {
    return Optional.ofNullable(left.remove(key));
  }

  private static void drop(String key, Object neutral) {
    if (neutral instanceof AutoCloseable closeable) {
      try {
        closeable.close();
      } catch (Throwable e) {
        LOG.debug("{}: {}", key, e.toString());
      }
    } else if (neutral instanceof Map<?, ?> map) {
      map.values().forEach(value -> drop(key, value));
    } else if (neutral instanceof Collection<?> collection) {
      collection.forEach(value -> drop(key, value));
    }
  }

  /** Whatever still lies here goes with it. */
  @Deactivate
  public void close() {
    expiry.shutdownNow();
    left.forEach(Shelf::drop);
    left.clear();
  }
}

// SPDX-License-Identifier: Apache-2.0
package org.blksnap.control.internal.shelf;

import java.util.Collection;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.blksnap.api.handover.HandoverShelf;
import org.blksnap.enginebase.thread.DaemonThreads;
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
 *
 * <p>Immediate: else the component runtime ends it with its last user, and its only user may be the
 * bundle that is being updated.
 */
@Component(service = HandoverShelf.class, immediate = true, configurationPid = "org.blksnap.engine")
public final class Shelf implements HandoverShelf {
  private static final Logger LOG = LoggerFactory.getLogger(Shelf.class);
  private static final String TIMEOUT = "handover_timeout_seconds";
  private static final long LEAST_SECONDS = 1;
  private static final long MOST_SECONDS = 15;
  private static final long DEFAULT_SECONDS = 10;

  private volatile long keepMillis;
  private final Map<String, Item> left = new ConcurrentHashMap<>();
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
    expiry.setRemoveOnCancelPolicy(true);
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

  /**
   * What was left once. Told from another one by being another object: buffers of equal content are
   * equal, and the time of one must not end the other.
   */
  private static final class Item {
    final Object neutral;
    volatile Future<?> end;

    Item(Object neutral) {
      this.neutral = neutral;
    }

    void cancelEnd() {
      Future<?> timer = end;
      if (timer != null) {
        timer.cancel(false);
      }
    }
  }

  @Override
  public void leave(String key, Object neutral) {
    long keep = keepMillis;
    Item item = new Item(neutral);
    Item older = left.put(key, item);
    if (older != null) {
      older.cancelEnd();
      drop(key, older.neutral);
    }
    try {
      item.end = expiry.schedule(() -> expire(key, item, keep), keep, TimeUnit.MILLISECONDS);
    } catch (RejectedExecutionException closed) {
      if (left.remove(key, item)) {
        drop(key, neutral);
      }
    }
  }

  private void expire(String key, Item item, long keep) {
    if (left.remove(key, item)) {
      LOG.warn("nobody came for {} within {} ms; it is closed", key, keep);
      drop(key, item.neutral);
    }
  }

  /** Nothing of it stays here: what is fetched may be large. */
  @Override
  public Optional<Object> fetch(String key) {
    Item item = left.remove(key);
    if (item == null) {
      return Optional.empty();
    }
    item.cancelEnd();
    return Optional.of(item.neutral);
  }

  /** Whether something lies under the key. */
  public boolean holds(String key) {
    return left.containsKey(key);
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
    for (String key : left.keySet()) {
      fetch(key).ifPresent(neutral -> drop(key, neutral));
    }
  }
}

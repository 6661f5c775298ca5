// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal;

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
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Keeps what a bundle leaves for its successor, for as long as I/O would wait for it. */
@Component(service = HandoverShelf.class, configurationPid = "org.blksnap.engine")
public final class Shelf implements HandoverShelf {
  private static final Logger LOG = LoggerFactory.getLogger(Shelf.class);

  private final long keepMillis;
  private final Map<String, Object> left = new ConcurrentHashMap<>();
  private final ScheduledThreadPoolExecutor expiry =
      new ScheduledThreadPoolExecutor(1, DaemonThreads.named("blksnap-shelf"));

  @Activate
  public Shelf(EngineConfig config) {
    this(TimeUnit.SECONDS.toMillis(Math.max(1, Math.min(15, config.handover__timeout__seconds()))));
  }

  Shelf(long keepMillis) {
    this.keepMillis = keepMillis;
  }

  @Override
  public void leave(String key, Object neutral) {
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
            LOG.warn("nobody came for {} within {} ms; it is closed", key, keepMillis);
            drop(key, neutral);
          }
        },
        keepMillis,
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

  @Deactivate
  void close() {
    expiry.shutdownNow();
    left.forEach(Shelf::drop);
    left.clear();
  }
}

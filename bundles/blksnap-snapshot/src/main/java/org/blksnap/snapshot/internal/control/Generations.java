// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal.control;

import java.io.IOException;
import java.time.Instant;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.UUID;
import org.blksnap.api.change.CbtInfo;
import org.blksnap.api.event.BlksnapEvent;
import org.blksnap.enginebase.EventRelay;
import org.blksnap.snapshot.internal.data.FilteredDevice;
import org.blksnap.spi.tracker.Tracker;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Says when a device's change map has begun anew, in the log and as an event. Any thread. */
public final class Generations {
  private static final Logger LOG = LoggerFactory.getLogger(Generations.class);

  private final EventRelay events;

  public Generations(EventRelay events) {
    this.events = events;
  }

  public void announce(FilteredDevice device, CbtInfo info) {
    LOG.info(
        "device {}: new change map generation {}: {} {}",
        device.name(),
        info.generationId(),
        info.reason().text(),
        info.reasonDetail());
    events.offer(
        new BlksnapEvent.NewGeneration(
            Instant.now(),
            events.engine(),
            device.name(),
            info.generationId(),
            info.reason(),
            info.reasonDetail()));
  }

  /** The present map; null where it is away or cannot be read. */
  public static CbtInfo of(FilteredDevice device) {
    Tracker tracker = device.tracker();
    try {
      return tracker == null ? null : tracker.info();
    } catch (IOException e) {
      LOG.debug("device {} has a corrupted map: {}", device.name(), e.toString());
      return null;
    }
  }

  /** The present one; null where the map is away or cannot be read. */
  static UUID idOf(FilteredDevice device) {
    CbtInfo info = of(device);
    return info == null ? null : info.generationId();
  }

  /** The present ids by device name, for {@link #announceNew} after what may begin new ones. */
  Map<String, UUID> of(Collection<FilteredDevice> devices) {
    Map<String, UUID> ids = new HashMap<>();
    for (FilteredDevice device : devices) {
      UUID id = idOf(device);
      if (id != null) {
        ids.put(device.name(), id);
      }
    }
    return ids;
  }

  void announceNew(Collection<FilteredDevice> devices, Map<String, UUID> before) {
    for (FilteredDevice device : devices) {
      Tracker tracker = device.tracker();
      try {
        if (tracker != null && !tracker.info().generationId().equals(before.get(device.name()))) {
          announce(device, tracker.info());
        }
      } catch (IOException e) {
        LOG.warn("device {}: its change map cannot be read: {}", device.name(), e.toString());
      }
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal.control;

import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.RejectedExecutionException;
import org.blksnap.snapshot.internal.data.FilteredDevice;
import org.blksnap.spi.device.RawDevice;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Looks at the devices' capacities now and then, on the housekeeper's thread. */
public final class CapacityWatch {
  private static final Logger LOG = LoggerFactory.getLogger(CapacityWatch.class);

  private final Desk desk;

  /** Devices whose capacity could not be read in the last round; the one thread's own. */
  private final Set<String> unread = new HashSet<>();

  public CapacityWatch(Desk desk) {
    this.desk = desk;
  }

  /** The interval is read each time, since the times may come into force after the start. */
  public void start() {
    long interval = desk.settings().watchInterval().toMillis();
    try {
      desk.housekeeper().after(interval, this::round);
    } catch (RejectedExecutionException e) {
      LOG.debug("capacities are watched no more, the engine is stopping");
    }
  }

  /** No round ends the watch, whatever is thrown in it; each failing device is said once. */
  private void round() {
    try {
      desk.devices().all().forEach(this::look);
    } finally {
      start();
    }
  }

  private void look(FilteredDevice device) {
    try {
      RawDevice raw = device.raw();
      if (raw != null && !device.gateOfRequests().isClosed()) {
        device.rescan();
      }
      unread.remove(device.name());
    } catch (Throwable e) {
      if (unread.add(device.name())) {
        LOG.warn(
            "device {}: its capacity is not known, it is looked at again: {}",
            device.name(),
            e.toString());
      }
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal.control;

import java.io.IOException;
import org.blksnap.snapshot.internal.data.FilteredDevice;
import org.blksnap.snapshot.internal.data.HeldArea;
import org.blksnap.spi.device.RawDevice;
import org.blksnap.spi.tracker.Tracker;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How devices are let go of. Data first, then the map that speaks of it, then the word that both
 * are whole.
 */
public final class DeviceClosing {
  private static final Logger LOG = LoggerFactory.getLogger(DeviceClosing.class);

  private final Desk desk;
  private final DeviceGates gates;
  private final ChangeMaps changeMaps;

  public DeviceClosing(Desk desk, DeviceGates gates, ChangeMaps changeMaps) {
    this.desk = desk;
    this.gates = gates;
    this.changeMaps = changeMaps;
  }

  /** Gate closed. Data first, then the map that speaks of it, then the word that both are whole. */
  void closeCleanly(FilteredDevice device) throws IOException {
    RawDevice raw = device.raw();
    Tracker tracker = device.tracker();
    device.installTracker(null);
    try {
      if (raw != null && tracker != null) {
        Fingerprints.rest(raw);
        raw.flush();
        tracker.close(raw.fingerprint());
      }
    } finally {
      if (tracker != null) {
        tracker.handOver();
      }
      device.installRaw(null);
      if (raw != null) {
        desk.guardian().forget(device.name());
        raw.close();
      }
    }
  }

  /**
   * The engine goes, first pass: no request is served any more, the diff area is left in its files.
   * Where requests are still inside, what they write may not be in the map.
   */
  public void quietForStop(FilteredDevice device, DeviceGates.Closed gate) {
    desk.assertControlled();
    if (gate != DeviceGates.Closed.QUIET && !gates.isSuspended(device)) {
      changeMaps.markLost(device);
    }
    device.end("the engine is stopped");
    HeldArea held = device.held();
    if (held != null && held.area() != null) {
      held.area().close();
    }
  }

  /**
   * Second pass, when no store worker writes to any device any more: fingerprints are true now. For
   * several devices at once, while the engine's thread holds the control lock.
   */
  public void closeForStop(FilteredDevice device) {
    try {
      closeCleanly(device);
    } catch (IOException | RuntimeException | Error e) {
      LOG.error("device {} was not closed cleanly: {}", device.name(), e.toString());
    }
  }

  /**
   * Second pass where a successor follows: everything stays as it lies in memory and files. Answers
   * the fingerprint the device is left with, empty where it could not be had. As {@link
   * #closeForStop}, for several devices at once.
   */
  public String leave(FilteredDevice device) {
    RawDevice raw = device.raw();
    Tracker tracker = device.tracker();
    device.installTracker(null);
    if (tracker != null) {
      tracker.handOver();
    }
    device.installRaw(null);
    if (raw == null) {
      return "";
    }
    try (raw) {
      try {
        Fingerprints.rest(raw);
        return raw.fingerprint();
      } finally {
        desk.guardian().forget(device.name()); // from the close on others may write
      }
    } catch (IOException | RuntimeException | Error e) {
      LOG.error("device {} was not left in order: {}", device.name(), e.toString());
      return "";
    }
  }
}

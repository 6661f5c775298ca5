// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal.control;

import java.io.IOException;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.blksnap.snapshot.internal.data.FilteredDevice;
import org.blksnap.spi.device.RawDevice;
import org.blksnap.spi.tracker.Tracker;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Devices in durable mode that nobody writes to: their maps say so on disk, with the device's
 * fingerprint, so that a power loss is to them as one after a clean close. Files alone: a block
 * device has another fingerprint after every boot. Under the engine's control lock, which guards
 * the fields.
 *
 * <pre>
 * stirred ──{@link #CALM} without a mark──► at rest ──a mark──► stirred
 * </pre>
 */
final class Resting {
  private static final Logger LOG = LoggerFactory.getLogger(Resting.class);

  /** How long nothing has to be marked. Writers wait some 20 ms and a flush when it is over. */
  static final Duration CALM = Duration.ofSeconds(5);

  private final Desk desk;
  private final DeviceGates gates;
  private final Map<Tracker, Long> calmSince = new HashMap<>();
  private final Set<Tracker> resting = new HashSet<>();

  Resting(Desk desk, DeviceGates gates) {
    this.desk = desk;
    this.gates = gates;
  }

  /** Asked now and then of every device. */
  void look(FilteredDevice device) {
    desk.assertControlled();
    Tracker tracker = device.tracker();
    RawDevice raw = device.raw();
    if (!device.request().durable()
        || tracker == null
        || raw == null
        || raw.identity().blockDevice()
        || gates.isSuspended(device)) {
      return;
    }
    if (tracker.stirred() || !calmSince.containsKey(tracker)) {
      calmSince.put(tracker, System.nanoTime());
      resting.remove(tracker);
      keepPresentAlone();
      return;
    }
    if (!resting.contains(tracker)
        && System.nanoTime() - calmSince.get(tracker) >= CALM.toNanos()) {
      rest(device, raw, tracker);
    }
  }

  private void keepPresentAlone() {
    Set<Tracker> present = new HashSet<>();
    desk.devices().all().forEach(device -> present.add(device.tracker()));
    calmSince.keySet().retainAll(present);
    resting.retainAll(present);
  }

  private void rest(FilteredDevice device, RawDevice raw, Tracker tracker) {
    calmSince.put(tracker, System.nanoTime());
    try {
      raw.flush(); // ahead, while requests go on
      tracker.flush();
      if (!gates.shut(device)) {
        return;
      }
      try {
        if (!tracker.stirred()) {
          raw.flush();
          Fingerprints.rest(raw);
          tracker.rest(raw.fingerprint());
          resting.add(tracker);
        }
      } finally {
        gates.open(device);
      }
    } catch (IOException e) {
      LOG.warn("device {} did not come to rest: {}", device.name(), e.toString());
    }
  }
}

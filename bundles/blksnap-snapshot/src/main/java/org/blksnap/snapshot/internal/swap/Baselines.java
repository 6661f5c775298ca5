// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal.swap;

import java.io.IOException;
import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.change.GenerationReason;
import org.blksnap.snapshot.internal.control.ChangeMaps;
import org.blksnap.snapshot.internal.control.Desk;
import org.blksnap.snapshot.internal.control.Fingerprints;
import org.blksnap.snapshot.internal.control.Generations;
import org.blksnap.snapshot.internal.control.Together;
import org.blksnap.snapshot.internal.data.FilteredDevice;
import org.blksnap.spi.device.RawDevice;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How devices were when the engine let go of them for the swap of the device bundle: in between
 * anybody may open and write them. Under the engine's control lock, which guards the field.
 */
final class Baselines {
  private static final Logger LOG = LoggerFactory.getLogger(Baselines.class);

  /**
   * Longest wait for devices to be closed: the last descriptor of a block device writes back what
   * is dirty. Those that are not closed by then close by themselves.
   */
  static final Duration LONGEST_CLOSE = Duration.ofSeconds(30);

  private final Desk desk;
  private final ChangeMaps changeMaps;
  private final Generations generations;
  private final Map<FilteredDevice, String> left = new HashMap<>();

  Baselines(Desk desk, ChangeMaps changeMaps, Generations generations) {
    this.desk = desk;
    this.changeMaps = changeMaps;
    this.generations = generations;
  }

  /**
   * Gates closed. Lets go of the devices, each in a thread of its own: one that hangs must not hold
   * up the others, nor the engine. How that one was left, nobody knows.
   */
  void letGo(Collection<FilteredDevice> devices) {
    desk.assertControlled();
    Map<FilteredDevice, RawDevice> going = new HashMap<>();
    for (FilteredDevice device : devices) {
      desk.guardian().forget(device.name());
      if (device.raw() != null) {
        going.put(device, device.raw());
        left.put(device, "");
        device.installRaw(null);
      }
    }
    Map<FilteredDevice, String> found = new ConcurrentHashMap<>();
    Together.each(
        "closing devices",
        going.keySet(),
        LONGEST_CLOSE,
        device -> {
          try (RawDevice raw = going.get(device)) {
            Fingerprints.rest(raw);
            found.put(device, raw.fingerprint());
          } catch (IOException e) {
            LOG.warn("device {} was not left in order: {}", device.name(), e.toString());
          }
        });
    left.putAll(Map.copyOf(found));
  }

  /** Null where the device, taken up again, is as it was left; else why it is not. */
  String changed(FilteredDevice device) {
    desk.assertControlled();
    String was = left.remove(device);
    try {
      String is = device.raw().fingerprint();
      return is.equals(was)
          ? null
          : "while the device bundle was swapped it was left as "
              + (was == null || was.isEmpty() ? "nobody knows" : was)
              + ", is "
              + is;
    } catch (IOException e) {
      return "after the swap of the device bundle it could not be read how it is: " + e;
    }
  }

  /** A new generation for a device that is not as it was left. */
  void begin(FilteredDevice device, String why) throws BlksnapException {
    if (device.tracker() == null) {
      changeMaps.markLost(device);
      return;
    }
    long capacity = device.raw().geometry().capacity();
    try {
      ChangeMaps.renew(device.tracker(), capacity, GenerationReason.CHANGED_WHILE_DETACHED, why);
    } catch (BlksnapException | RuntimeException | Error e) {
      // No room for a new map: then all has changed in the old one, which needs none.
      LOG.error("device {}: all of it counts as changed: {}", device.name(), e.toString());
      device.tracker().markBoth(0, capacity);
      return;
    }
    try {
      generations.announce(device, device.tracker().info());
    } catch (IOException e) {
      LOG.warn("device {}: {}", device.name(), e.toString());
    }
  }
}

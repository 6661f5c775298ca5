// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal;

import java.io.IOException;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.change.GenerationReason;
import org.blksnap.spi.device.RawDevice;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How devices were when the engine let go of them for the swap of the device bundle: in between
 * anybody may open and write them. Under the engine's control lock, which guards the field.
 */
final class Baselines {
  private static final Logger LOG = LoggerFactory.getLogger(Baselines.class);

  private final Engine engine;
  private final Map<FilteredDevice, String> left = new HashMap<>();

  Baselines(Engine engine) {
    this.engine = engine;
  }

  /**
   * Gates closed, so nothing of ours is written any more: afterwards a change by others shows in
   * the devices' fingerprints, also in the stamps of files. What is in memory of a block device is
   * written first, since that changes the stamps of a loop device's file.
   */
  static void rest(Collection<FilteredDevice> devices) {
    long longest = 0;
    for (FilteredDevice device : devices) {
      RawDevice raw = device.raw();
      if (raw == null) {
        continue;
      }
      try {
        if (raw.identity().blockDevice()) {
          raw.flush();
        }
        longest = Math.max(longest, raw.stampGranule().toNanos());
      } catch (IOException e) {
        LOG.warn("device {} did not come to rest: {}", device.name(), e.toString());
      }
    }
    sleep(longest);
  }

  private static void sleep(long nanos) {
    long end = System.nanoTime() + nanos;
    boolean interrupted = false;
    for (long wait = nanos; wait > 0; wait = end - System.nanoTime()) {
      interrupted |= Thread.interrupted();
      LockSupport.parkNanos(wait);
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  /** Before the device is let go of. */
  void keep(FilteredDevice device) {
    engine.assertControlled();
    engine.guardian().forget(device.name());
    RawDevice raw = device.raw();
    if (raw == null) {
      return;
    }
    try {
      left.put(device, raw.fingerprint());
    } catch (IOException e) {
      left.put(device, "");
      LOG.warn("device {}: how it is left could not be read: {}", device.name(), e.toString());
    }
  }

  /** Null where the device, taken up again, is as it was left; else why it is not. */
  String changed(FilteredDevice device) {
    engine.assertControlled();
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
      engine.changeMaps().markLost(device);
      return;
    }
    ChangeMaps.renew(
        device.tracker(),
        device.raw().geometry().capacity(),
        GenerationReason.CHANGED_WHILE_DETACHED,
        why);
    try {
      engine.generations().announce(device, device.tracker().info());
    } catch (IOException e) {
      LOG.warn("device {}: {}", device.name(), e.toString());
    }
  }
}

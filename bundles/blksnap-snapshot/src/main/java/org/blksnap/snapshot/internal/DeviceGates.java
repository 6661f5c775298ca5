// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal;

import java.time.Duration;
import org.blksnap.api.block.BlksnapException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The gates of devices, for those parts of the engine that go on where one does not become quiet.
 * All methods but {@link #open} run under the engine's control lock.
 */
final class DeviceGates {
  private static final Logger LOG = LoggerFactory.getLogger(DeviceGates.class);

  private final Engine engine;

  DeviceGates(Engine engine) {
    this.engine = engine;
  }

  /**
   * True where the gate was closed here; false where a swap keeps it closed already, or it did not
   * become quiet.
   */
  boolean close(FilteredDevice device) {
    engine.assertControlled();
    if (engine.swap().isSuspended(device)) {
      return false;
    }
    try {
      device.gateOfRequests().close(engine.settings().gateTimeout());
      return true;
    } catch (BlksnapException e) {
      LOG.warn("{}", e.getMessage());
      return false;
    }
  }

  /**
   * As {@link #close}, against changes alone: reads and flushes go on. For what these do not look
   * at; an fdatasync under way is not waited for, and holds up no write.
   */
  boolean shut(FilteredDevice device) {
    engine.assertControlled();
    if (engine.swap().isSuspended(device)) {
      return false;
    }
    Gate gate = device.gateOfRequests();
    Duration bound = engine.settings().gateTimeout();
    try {
      gate.shut(bound);
    } catch (BlksnapException e) {
      LOG.warn("{}", e.getMessage());
      return false;
    }
    try {
      gate.awaitEmpty(System.nanoTime() + bound.toNanos(), bound);
      return true;
    } catch (BlksnapException e) {
      gate.open();
      LOG.warn("{}", e.getMessage());
      return false;
    }
  }

  void open(FilteredDevice device) {
    device.gateOfRequests().open();
  }
}

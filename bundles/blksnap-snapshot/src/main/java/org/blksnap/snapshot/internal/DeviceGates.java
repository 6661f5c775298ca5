// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal;

import java.time.Duration;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;
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

  /** What became of a gate that was to be closed. */
  enum Closed {
    /** Closed here, and nobody is inside. */
    QUIET,
    /** Closed here: nobody comes in, but requests from before are still inside. */
    BUSY,
    /** Not closed here: a swap keeps it closed already, or somebody holds it. */
    NOT_HERE
  }

  /**
   * Closes all of them as a take does: all are barred before the first is waited for, and one
   * deadline counts for all. So the first device waits for the slowest one, and not for the sum.
   */
  Map<FilteredDevice, Closed> closeAll(Collection<FilteredDevice> devices) {
    engine.assertControlled();
    Duration bound = engine.settings().gateTimeout();
    Map<FilteredDevice, Closed> closed = new LinkedHashMap<>();
    for (FilteredDevice device : devices) {
      closed.put(device, bar(device, bound));
    }
    long deadline = System.nanoTime() + bound.toNanos();
    for (Map.Entry<FilteredDevice, Closed> entry : closed.entrySet()) {
      if (entry.getValue() == Closed.BUSY) {
        try {
          entry.getKey().gateOfRequests().awaitEmpty(deadline, bound);
          entry.setValue(Closed.QUIET);
        } catch (BlksnapException e) {
          LOG.warn("{}", e.getMessage());
        }
      }
    }
    return closed;
  }

  private Closed bar(FilteredDevice device, Duration bound) {
    if (engine.swap().isSuspended(device)) {
      return Closed.NOT_HERE;
    }
    try {
      device.gateOfRequests().seal(bound);
      return Closed.BUSY;
    } catch (BlksnapException e) {
      LOG.warn("{}", e.getMessage());
      return Closed.NOT_HERE;
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

// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal.control;

import java.time.Duration;
import java.util.Collection;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.snapshot.internal.data.FilteredDevice;
import org.blksnap.snapshot.internal.data.Gate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The gates of devices, for those parts of the engine that go on where one does not become quiet,
 * and which of them a swap keeps closed: a device's gate stays closed as long as any of its rooms
 * is suspended. All methods but {@link #open} run under the engine's control lock, which guards the
 * fields.
 */
public final class DeviceGates {
  private static final Logger LOG = LoggerFactory.getLogger(DeviceGates.class);

  private final Desk desk;
  private final Map<FilteredDevice, Set<Room>> suspended = new HashMap<>();

  /** Suspended devices whose gate is closed, with requests from before still inside. */
  private final Set<FilteredDevice> busy = new HashSet<>();

  /** Suspended devices whose gate could not be closed. */
  private final Set<FilteredDevice> unquiet = new HashSet<>();

  public DeviceGates(Desk desk) {
    this.desk = desk;
  }

  /**
   * True where the gate was closed here; false where a swap keeps it closed already, or it did not
   * become quiet.
   */
  public boolean close(FilteredDevice device) {
    desk.assertControlled();
    if (isSuspended(device)) {
      return false;
    }
    try {
      device.gateOfRequests().close(desk.settings().gateTimeout());
      return true;
    } catch (BlksnapException e) {
      LOG.warn("{}", e.getMessage());
      return false;
    }
  }

  /** What became of a gate that was to be closed. */
  public enum Closed {
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
  public Map<FilteredDevice, Closed> closeAll(Collection<FilteredDevice> devices) {
    desk.assertControlled();
    Duration bound = desk.settings().gateTimeout();
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
    if (isSuspended(device)) {
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
    desk.assertControlled();
    if (isSuspended(device)) {
      return false;
    }
    Gate gate = device.gateOfRequests();
    Duration bound = desk.settings().gateTimeout();
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

  public void open(FilteredDevice device) {
    device.gateOfRequests().open();
  }

  public boolean isSuspended(FilteredDevice device) {
    desk.assertControlled();
    return suspended.containsKey(device);
  }

  /** True where this room of the device is being swapped. */
  public boolean isSuspended(FilteredDevice device, Room room) {
    desk.assertControlled();
    return suspended.getOrDefault(device, Set.of()).contains(room);
  }

  /** True where a swap keeps the gate closed. */
  public boolean keptClosed(FilteredDevice device) {
    return isSuspended(device) && !unquiet.contains(device);
  }

  /** False where requests from before the swap are still inside. */
  public boolean quiet(FilteredDevice device) {
    desk.assertControlled();
    return !unquiet.contains(device) && !busy.contains(device);
  }

  /** All gates are closed together, so that none waits while another device is being quieted. */
  public void suspend(Room room, Collection<FilteredDevice> devices) {
    List<FilteredDevice> free = devices.stream().filter(device -> !isSuspended(device)).toList();
    closeAll(free)
        .forEach(
            (device, closed) -> {
              suspended.put(device, EnumSet.noneOf(Room.class));
              if (closed == Closed.BUSY) {
                busy.add(device);
              } else if (closed == Closed.NOT_HERE) {
                unquiet.add(device);
              }
            });
    for (FilteredDevice device : devices) {
      if (!quiet(device)) {
        LOG.error("hot swap of {} with requests of {} under way", room.bundle(), device.name());
      }
      suspended.get(device).add(room);
      device.say("waits for " + room.bundle());
    }
  }

  /** The room is there again; the gate opens where it was the last one that was missing. */
  public void resume(Room room, FilteredDevice device) {
    desk.assertControlled();
    Set<Room> rooms = suspended.get(device);
    if (rooms == null || !rooms.remove(room) || !rooms.isEmpty()) {
      return;
    }
    suspended.remove(device);
    busy.remove(device);
    device.sayWhatIsMissing();
    if (!unquiet.remove(device)) {
      open(device);
    }
  }
}

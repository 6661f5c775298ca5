// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal.swap;

import java.io.IOException;
import java.util.Collection;
import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.ScheduledFuture;
import java.util.function.Consumer;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.snapshot.internal.control.ChangeMaps;
import org.blksnap.snapshot.internal.control.Desk;
import org.blksnap.snapshot.internal.control.DeviceGates;
import org.blksnap.snapshot.internal.control.DiffAreas;
import org.blksnap.snapshot.internal.control.Generations;
import org.blksnap.snapshot.internal.control.Room;
import org.blksnap.snapshot.internal.control.SnapshotList;
import org.blksnap.snapshot.internal.data.FilteredDevice;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Swaps a room while devices are attached and I/O is in flight. A swap is a restart of one room:
 * the old provider's objects leave everything in their files, the new one's go on from there.
 * Meanwhile the gates in front of them are closed and requests wait.
 *
 * <pre>
 * whole ──withdraw──► suspended ──provide──► whole
 *                        │
 *                        └─handover timeout─► given up ──provide──► whole, with the price the table says
 *
 * room     given up means                                       when one comes back after that
 * DEVICE   I/O fails with EIO                                   new generation; images corrupted
 * TRACKER  writes pass untracked                                new generation, TRACKER_LOST
 * CHUNK    images corrupted, writes pass                        nothing to bring back
 * STORAGE  images corrupted, writes pass                        nothing to bring back
 * </pre>
 *
 * <p>All devices are quieted together, as a take does it: flushed ahead while requests go on, then
 * all gates closed, then all waited for.
 *
 * <p>Where requests under way do not end in time, the room goes all the same, for its bundle is
 * going. The gate stays closed to whoever comes, who waits for the successor; those inside go on
 * with what they hold and may fail. For tracker and chunk engine the price of giving up is paid at
 * once: what passes without the room must never look as if it had been there.
 *
 * <p>An area's store worker may stand before the storage's closed gate, so an area is let go only
 * while the storage is there: with both rooms away, the old area stays until the storage is back or
 * given up, and only then the new chunk engine takes over.
 *
 * <p>What is let go and taken up stands in a file a room ({@link DeviceSwap}, {@link TrackerSwap},
 * {@link AreaSwap}, {@link StorageSwap}); here is the order. All methods run under the engine's
 * control lock (asserted at the entries), which guards the fields. A device's gate stays closed as
 * long as any of its rooms is suspended ({@link DeviceGates}).
 */
public final class HotSwap {
  private static final Logger LOG = LoggerFactory.getLogger(HotSwap.class);

  private final Desk desk;
  private final DeviceGates gates;
  private final ChangeMaps changeMaps;
  private final DiffAreas areasOfDevices;
  private final DeviceSwap raws;
  private final TrackerSwap trackers;
  private final AreaSwap areas;
  private final StorageSwap storages;
  private final Map<Room, ScheduledFuture<?>> timeouts = new EnumMap<>(Room.class);

  public HotSwap(
      Desk desk,
      SnapshotList snapshots,
      DeviceGates gates,
      ChangeMaps changeMaps,
      Generations generations,
      DiffAreas areas) {
    this.desk = desk;
    this.gates = gates;
    this.changeMaps = changeMaps;
    this.areasOfDevices = areas;
    this.trackers = new TrackerSwap(snapshots, changeMaps);
    this.raws = new DeviceSwap(desk, snapshots, changeMaps, generations, areas);
    this.areas = new AreaSwap(desk, snapshots, areas);
    this.storages = new StorageSwap(desk, snapshots, areas);
  }

  public void withdraw(Room room, Object provider) {
    desk.assertControlled();
    if (desk.providers().get(room) != provider) {
      return;
    }
    letGo(room);
    desk.providers().set(room, null);
    LOG.info(
        "{} is away; I/O waits up to {} for its successor",
        room.bundle(),
        desk.settings().handoverTimeout());
    timeouts.put(
        room,
        desk.housekeeper()
            .after(desk.settings().handoverTimeout().toMillis(), () -> timedOut(room)));
  }

  public void provide(Room room, Object provider) {
    desk.assertControlled();
    if (desk.providers().get(room) != null) {
      letGo(room);
    }
    desk.providers().set(room, provider);
    ScheduledFuture<?> timeout = timeouts.remove(room);
    if (timeout != null) {
      timeout.cancel(false);
    }
    if (room == Room.STORAGE) {
      storages.adopt();
      settleOldAreas();
      return;
    }
    eachAlone(desk.devices().all(), device -> takeUp(room, device));
  }

  private void takeUp(Room room, FilteredDevice device) {
    if (room == Room.CHUNK && areas.isOld(device)) {
      return;
    }
    if (gates.isSuspended(device, room)) {
      adopt(room, device);
      gates.resume(room, device);
    } else {
      comeBackLate(room, device);
    }
  }

  private void letGo(Room room) {
    if (room == Room.STORAGE) {
      storages.letGo();
      return;
    }
    Collection<FilteredDevice> devices = desk.devices().all();
    if (room == Room.DEVICE) {
      desk.devices().flushAhead();
    }
    if (room == Room.CHUNK) {
      eachAlone(devices, AreaSwap::retire);
    }
    gates.suspend(room, devices);
    switch (room) {
      case DEVICE -> raws.letGo(devices);
      case TRACKER -> eachAlone(devices, device -> trackers.letGo(device, gates.quiet(device)));
      case CHUNK -> eachAlone(devices, device -> areas.letGo(device, gates.quiet(device)));
      case STORAGE -> throw new AssertionError(room);
    }
  }

  /** What is thrown over one device must not leave the others between two providers. */
  private static void eachAlone(Collection<FilteredDevice> devices, Consumer<FilteredDevice> work) {
    for (FilteredDevice device : devices) {
      try {
        work.accept(device);
      } catch (RuntimeException | Error e) {
        LOG.error("device {}: its swap is not whole", device.name(), e);
      }
    }
  }

  /** The storage is there again or given up: areas that waited for that are let go and taken up. */
  private void settleOldAreas() {
    for (FilteredDevice device : areas.old()) {
      areas.letOldGo(device);
      if (desk.providers().get(Room.CHUNK) != null) {
        takeUp(Room.CHUNK, device);
      }
    }
  }

  private void adopt(Room room, FilteredDevice device) {
    try {
      switch (room) {
        case DEVICE -> adoptRaw(device);
        case TRACKER -> trackers.adopt(device);
        case CHUNK -> areas.adopt(device);
        case STORAGE -> throw new AssertionError(room);
      }
    } catch (BlksnapException | RuntimeException | Error e) {
      LOG.error("device {}: {} did not take over: {}", device.name(), room.bundle(), e.toString());
      giveUp(room, device, e.getMessage());
    }
  }

  private void adoptRaw(FilteredDevice device) throws BlksnapException {
    raws.adopt(device);
    if (device.tracker() == null
        && desk.providers().get(Room.TRACKER) != null
        && !gates.isSuspended(device, Room.TRACKER)) {
      // It came back while this device was away, and could not open the map without it.
      adopt(Room.TRACKER, device);
    }
    desk.guardian().watch(device.name(), device.raw());
  }

  private void timedOut(Room room) {
    desk.control().lock();
    try {
      if (desk.housekeeper().isClosed() // the engine has gone, and this has waited for the lock
          || desk.providers().get(room) != null
          || timeouts.remove(room) == null) {
        return;
      }
      String why =
          room.bundle()
              + " was away for more than "
              + desk.settings().handoverTimeout().toMillis()
              + " ms";
      LOG.error("{}; the safe end is taken", why);
      if (room == Room.STORAGE) {
        storages.lose(why);
        settleOldAreas();
        return;
      }
      for (FilteredDevice device : desk.devices().all()) {
        giveUp(room, device, why);
        gates.resume(room, device);
      }
    } finally {
      desk.control().unlock();
    }
  }

  private void giveUp(Room room, FilteredDevice device, String why) {
    if (room == Room.CHUNK) {
      areasOfDevices.loseAll(device, why);
    } else if (room == Room.TRACKER) {
      device.installTracker(null);
      changeMaps.markLost(device);
    }
  }

  /** A room that was given up for this device, or could not be taken up, is tried again. */
  private void comeBackLate(Room room, FilteredDevice device) {
    boolean wanted =
        room == Room.TRACKER
            ? device.tracker() == null && device.raw() != null
            : room == Room.DEVICE && device.raw() == null;
    if (!wanted) {
      return;
    }
    boolean heldBySwap = gates.keptClosed(device);
    if (!heldBySwap && !gates.close(device)) {
      return;
    }
    try {
      if (room == Room.TRACKER) {
        trackers.adopt(device);
      } else {
        raws.comeBackLate(device);
      }
    } catch (IOException | RuntimeException | Error e) {
      LOG.error("device {}: {}", device.name(), e.toString());
    } finally {
      if (!heldBySwap) {
        device.sayWhatIsMissing();
        gates.open(device);
      }
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal;

import java.io.IOException;
import java.nio.file.Files;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ScheduledFuture;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.change.GenerationReason;
import org.blksnap.spi.chunk.DiffArea;
import org.blksnap.spi.device.OpenRequest;
import org.blksnap.spi.device.RawDevice;
import org.blksnap.spi.tracker.Tracker;
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
 * All methods run under the engine's control lock (asserted at the entries), which guards the
 * fields. A device's gate stays closed as long as any of its rooms is suspended.
 */
final class HotSwap {
  private static final Logger LOG = LoggerFactory.getLogger(HotSwap.class);

  private final Engine engine;

  private final Map<FilteredDevice, Set<Room>> suspended = new HashMap<>();

  private final Map<Room, ScheduledFuture<?>> timeouts = new EnumMap<>(Room.class);

  private final Set<Room> givenUp = EnumSet.noneOf(Room.class);

  HotSwap(Engine engine) {
    this.engine = engine;
  }

  boolean isSuspended(FilteredDevice device) {
    engine.assertControlled();
    return suspended.containsKey(device);
  }

  void withdraw(Room room, Object provider) {
    engine.assertControlled();
    if (engine.providers().get(room) != provider) {
      return;
    }
    long begun = System.nanoTime();
    letGo(room);
    engine.providers().set(room, null);
    LOG.info(
        "{} is away; I/O waits up to {} for its successor",
        room.bundle(),
        engine.settings().handoverTimeout());
    LOG.debug("{} let go in {} us", room.bundle(), (System.nanoTime() - begun) / 1000);
    timeouts.put(
        room,
        engine
            .housekeeper()
            .after(engine.settings().handoverTimeout().toMillis(), () -> timedOut(room)));
  }

  void provide(Room room, Object provider) {
    engine.assertControlled();
    if (engine.providers().get(room) != null) {
      letGo(room);
    }
    engine.providers().set(room, provider);
    ScheduledFuture<?> timeout = timeouts.remove(room);
    if (timeout != null) {
      timeout.cancel(false);
    }
    boolean late = givenUp.remove(room);
    if (room == Room.STORAGE) {
      adoptStorages();
      return;
    }
    for (FilteredDevice device : engine.filteredDevices()) {
      if (late) {
        comeBackLate(room, device);
      } else if (suspended.getOrDefault(device, Set.of()).contains(room)) {
        adopt(room, device);
        resume(room, device);
      }
    }
  }

  private void letGo(Room room) {
    if (room == Room.STORAGE) {
      for (HeldSnapshot snapshot : engine.heldSnapshots()) {
        letStorageGo(snapshot);
      }
      return;
    }
    for (FilteredDevice device : engine.filteredDevices()) {
      suspend(room, device);
      switch (room) {
        case DEVICE -> letRawGo(device);
        case TRACKER -> letTrackerGo(device);
        case CHUNK -> letAreaGo(device);
        case STORAGE -> throw new AssertionError(room);
      }
    }
  }

  private void suspend(Room room, FilteredDevice device) {
    engine.assertControlled();
    Set<Room> rooms = suspended.get(device);
    if (rooms == null) {
      try {
        device.gateOfRequests().close(engine.settings().gateTimeout());
      } catch (BlksnapException e) {
        // The old objects are closed all the same: a request still inside meets their own errors,
        // which never reach live data.
        LOG.error("hot swap of {} with requests under way: {}", room.bundle(), e.getMessage());
        return;
      }
      rooms = EnumSet.noneOf(Room.class);
      suspended.put(device, rooms);
    }
    rooms.add(room);
    device.say("waits for " + room.bundle());
  }

  private void resume(Room room, FilteredDevice device) {
    engine.assertControlled();
    Set<Room> rooms = suspended.get(device);
    if (rooms == null) {
      return;
    }
    rooms.remove(room);
    if (rooms.isEmpty()) {
      suspended.remove(device);
      device.say(
          device.raw() == null
              ? "the device bundle is away"
              : device.tracker() == null ? "not tracked" : "ok");
      device.gateOfRequests().open();
    }
  }

  private static void letRawGo(FilteredDevice device) {
    RawDevice raw = device.raw();
    if (raw == null) {
      return;
    }
    device.installRaw(null);
    try {
      raw.close();
    } catch (IOException e) {
      LOG.warn("device {}: {}", device.name(), e.toString());
    }
  }

  private static void letTrackerGo(FilteredDevice device) {
    Tracker tracker = device.tracker();
    if (tracker != null) {
      device.installTracker(null);
      tracker.handOver();
    }
  }

  private static void letAreaGo(FilteredDevice device) {
    HeldArea held = device.held();
    if (held != null && held.area() != null) {
      DiffArea area = held.area();
      held.install(null);
      area.close();
    }
  }

  private static void letStorageGo(HeldSnapshot snapshot) {
    try {
      snapshot.storageRoom().handOver();
    } catch (BlksnapException e) {
      LOG.error("snapshot {}: {}", snapshot.id(), e.getMessage());
    }
  }

  private void adopt(Room room, FilteredDevice device) {
    try {
      switch (room) {
        case DEVICE -> adoptRaw(device);
        case TRACKER -> device.installTracker(engine.openTracker(device, true));
        case CHUNK -> adoptArea(device);
        case STORAGE -> throw new AssertionError(room);
      }
    } catch (BlksnapException e) {
      LOG.error(
          "device {}: {} did not take over: {}", device.name(), room.bundle(), e.getMessage());
      giveUp(room, device, e.getMessage());
    }
  }

  private void adoptRaw(FilteredDevice device) throws BlksnapException {
    RawDevice raw = reopen(device);
    long before = device.geometry().capacity();
    device.installRaw(raw);
    if (raw.geometry().capacity() != before) {
      engine.housekeeper().later(() -> rescanLater(device));
      device
          .tracker()
          .renew(raw.geometry().capacity(), GenerationReason.RESIZE, "noticed during a hot swap");
    }
  }

  private void rescanLater(FilteredDevice device) throws BlksnapException {
    try {
      engine.rescan(device);
    } catch (IOException e) {
      throw new BlksnapException(Errno.EIO, "device " + device.name() + ": " + e, e);
    }
  }

  private RawDevice reopen(FilteredDevice device) throws BlksnapException {
    RawDevice raw =
        engine
            .providers()
            .device()
            .open(
                new OpenRequest(
                    device.path(), device.request().readOnly(), device.request().force()));
    if (!raw.identity().key().equals(device.deviceIdentity().key())) {
      try {
        raw.close();
      } catch (IOException e) {
        LOG.debug("{}", e.toString());
      }
      throw new BlksnapException(
          Errno.ENODEV,
          device.path()
              + " is another device now ("
              + raw.identity().key()
              + ", was "
              + device.deviceIdentity().key()
              + ")");
    }
    return raw;
  }

  private void adoptArea(FilteredDevice device) throws BlksnapException {
    HeldArea held = device.held();
    if (held == null || held.area() != null) {
      return;
    }
    for (HeldSnapshot snapshot : engine.heldSnapshots()) {
      ImageView view = snapshot.views().get(device.name());
      if (view != null && view.held() == held) {
        SnapshotRecord.Member member = snapshot.members().get(device.name());
        held.install(
            engine
                .providers()
                .chunk()
                .adopt(engine.areaRequest(snapshot, device, held, member.rule())));
      }
    }
  }

  private void adoptStorages() {
    for (HeldSnapshot snapshot : engine.heldSnapshots()) {
      if (!snapshot.storageRoom().waitsForProvider()) {
        continue;
      }
      try {
        snapshot.storageRoom().adopt(engine.providers().storage());
      } catch (BlksnapException e) {
        loseStorage(snapshot, "its storage was not taken over: " + e.getMessage());
      }
    }
  }

  private void timedOut(Room room) {
    engine.control.lock();
    try {
      if (engine.providers().get(room) != null || !timeouts.containsKey(room)) {
        return;
      }
      timeouts.remove(room);
      givenUp.add(room);
      String why =
          room.bundle()
              + " was away for more than "
              + engine.settings().handoverTimeout().toMillis()
              + " ms";
      LOG.error("{}; the safe end is taken", why);
      if (room == Room.STORAGE) {
        for (HeldSnapshot snapshot : engine.heldSnapshots()) {
          loseStorage(snapshot, why);
        }
        return;
      }
      for (FilteredDevice device : engine.filteredDevices()) {
        giveUp(room, device, why);
        resume(room, device);
      }
    } finally {
      engine.control.unlock();
    }
  }

  private void loseStorage(HeldSnapshot snapshot, String why) {
    for (ImageView view : snapshot.views().values()) {
      engine.corrupted(snapshot, view.liveDevice(), view.held(), Errno.ESHUTDOWN, why);
      DiffArea area = view.held().area();
      if (area != null) {
        area.corrupt(Errno.ESHUTDOWN, why);
      }
    }
    snapshot.storageRoom().giveUp();
  }

  private void giveUp(Room room, FilteredDevice device, String why) {
    if (room == Room.CHUNK) {
      loseImage(device, why);
    } else if (room == Room.TRACKER) {
      device.installTracker(null);
      markTrackerLost(device);
    } else if (room == Room.DEVICE) {
      givenUp.add(Room.DEVICE);
    }
  }

  private void markTrackerLost(FilteredDevice device) {
    try {
      Files.writeString(engine.trackerLostMarker(device), "writes passed without being tracked\n");
    } catch (IOException e) {
      LOG.error(
          "device {}: it could not be written down that its change map is lost ({}); make the next backup a full one",
          device.name(),
          e.toString());
    }
  }

  private void loseImage(FilteredDevice device, String why) {
    for (HeldSnapshot snapshot : engine.heldSnapshots()) {
      ImageView view = snapshot.views().get(device.name());
      if (view != null) {
        engine.corrupted(snapshot, device, view.held(), Errno.ESHUTDOWN, why);
      }
    }
  }

  private void comeBackLate(Room room, FilteredDevice device) {
    if (room == Room.CHUNK || !engine.closeGate(device)) {
      return;
    }
    try {
      if (room == Room.TRACKER && device.tracker() == null && device.raw() != null) {
        device.installTracker(engine.openTracker(device, true));
      } else if (room == Room.DEVICE && device.raw() == null) {
        RawDevice raw = reopen(device);
        device.installRaw(raw);
        String why = "the device bundle was away; others may have written meanwhile";
        if (device.tracker() != null) {
          device
              .tracker()
              .renew(raw.geometry().capacity(), GenerationReason.CHANGED_WHILE_DETACHED, why);
          engine.announce(device, device.tracker().info());
        }
        loseImage(device, why);
      }
      device.say("ok");
    } catch (IOException e) {
      device.say(e.getMessage());
      LOG.error("device {}: {}", device.name(), e.toString());
    } finally {
      engine.openGate(device);
    }
  }
}

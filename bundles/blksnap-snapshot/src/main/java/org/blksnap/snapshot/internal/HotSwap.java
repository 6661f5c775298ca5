// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal;

import java.io.IOException;
import java.time.Duration;
import java.util.Collection;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ScheduledFuture;
import java.util.function.Consumer;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.change.CbtInfo;
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
 * <p>All methods run under the engine's control lock (asserted at the entries), which guards the
 * fields. A device's gate stays closed as long as any of its rooms is suspended.
 */
final class HotSwap {
  private static final Logger LOG = LoggerFactory.getLogger(HotSwap.class);

  /**
   * Longest wait for devices to be closed: the last descriptor of a block device writes back what
   * is dirty. Those that are not closed by then close by themselves.
   */
  static final Duration LONGEST_CLOSE = Duration.ofSeconds(30);

  private final Engine engine;
  private final Map<FilteredDevice, Set<Room>> suspended = new HashMap<>();

  /** Suspended devices whose gate is closed, with requests from before still inside. */
  private final Set<FilteredDevice> busy = new HashSet<>();

  /** Suspended devices whose gate could not be closed. */
  private final Set<FilteredDevice> unquiet = new HashSet<>();

  /**
   * Devices whose area of the old chunk engine is still there, because the storage was away first.
   */
  private final Set<FilteredDevice> oldAreas = new HashSet<>();

  private final Map<Room, ScheduledFuture<?>> timeouts = new EnumMap<>(Room.class);

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
    letGo(room);
    engine.providers().set(room, null);
    LOG.info(
        "{} is away; I/O waits up to {} for its successor",
        room.bundle(),
        engine.settings().handoverTimeout());
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
    if (room == Room.STORAGE) {
      adoptStorages();
      settleOldAreas();
      return;
    }
    eachAlone(engine.filteredDevices(), device -> takeUp(room, device));
  }

  private void takeUp(Room room, FilteredDevice device) {
    if (room == Room.CHUNK && oldAreas.contains(device)) {
      return;
    }
    if (suspended.getOrDefault(device, Set.of()).contains(room)) {
      adopt(room, device);
      resume(room, device);
    } else {
      comeBackLate(room, device);
    }
  }

  private void letGo(Room room) {
    if (room == Room.STORAGE) {
      engine.heldSnapshots().forEach(HotSwap::letStorageGo);
      return;
    }
    Collection<FilteredDevice> devices = engine.filteredDevices();
    if (room == Room.DEVICE) {
      Departure.flushAhead(devices);
    }
    if (room == Room.CHUNK) {
      eachAlone(devices, HotSwap::retire);
    }
    suspend(room, devices);
    switch (room) {
      case DEVICE -> engine.baselines().letGo(devices);
      case TRACKER -> eachAlone(devices, device -> letTrackerGo(device, quiet(device)));
      case CHUNK -> eachAlone(devices, device -> letAreaGo(device, quiet(device)));
      case STORAGE -> throw new AssertionError(room);
    }
  }

  /** Whoever waits in the area goes on, so that the gate can be closed. */
  private static void retire(FilteredDevice device) {
    if (device.held() != null) {
      device.held().retire();
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

  /** All gates are closed together, so that none waits while another device is being quieted. */
  private void suspend(Room room, Collection<FilteredDevice> devices) {
    List<FilteredDevice> free =
        devices.stream().filter(device -> !suspended.containsKey(device)).toList();
    engine
        .gates()
        .closeAll(free)
        .forEach(
            (device, closed) -> {
              suspended.put(device, EnumSet.noneOf(Room.class));
              if (closed == DeviceGates.Closed.BUSY) {
                busy.add(device);
              } else if (closed == DeviceGates.Closed.NOT_HERE) {
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

  /** False where requests from before the swap are still inside. */
  private boolean quiet(FilteredDevice device) {
    return !unquiet.contains(device) && !busy.contains(device);
  }

  private void resume(Room room, FilteredDevice device) {
    Set<Room> rooms = suspended.get(device);
    if (rooms == null || !rooms.remove(room) || !rooms.isEmpty()) {
      return;
    }
    suspended.remove(device);
    busy.remove(device);
    device.say(describe(device));
    if (!unquiet.remove(device)) {
      device.gateOfRequests().open();
    }
  }

  private static String describe(FilteredDevice device) {
    if (device.raw() == null) {
      return "the device bundle is away";
    }
    return device.tracker() == null ? "not tracked, the tracker bundle is away" : "ok";
  }

  private void letTrackerGo(FilteredDevice device, boolean quiet) {
    Tracker tracker = device.tracker();
    if (tracker == null) {
      return;
    }
    if (!quiet) {
      engine.changeMaps().markLost(device);
    }
    device.installTracker(null);
    tracker.handOver();
  }

  private void letAreaGo(FilteredDevice device, boolean quiet) {
    HeldArea held = device.held();
    if (held == null || held.area() == null) {
      return;
    }
    if (!quiet) {
      loseImage(
          device, "the chunk bundle went while writes were under way that did not end in time");
    }
    if (storageWaits(device)) {
      oldAreas.add(device);
      return;
    }
    DiffArea area = held.area();
    held.install(null);
    area.close();
  }

  private boolean storageWaits(FilteredDevice device) {
    return engine.heldSnapshots().stream()
        .anyMatch(s -> s.views().containsKey(device.name()) && s.storageRoom().waitsForProvider());
  }

  private static void letStorageGo(HeldSnapshot snapshot) {
    try {
      snapshot.storageRoom().handOver();
    } catch (BlksnapException | RuntimeException | Error e) {
      LOG.error("snapshot {}: {}", snapshot.id(), e.getMessage());
    }
  }

  /** The storage is there again or given up: areas that waited for that are let go and taken up. */
  private void settleOldAreas() {
    for (FilteredDevice device : Set.copyOf(oldAreas)) {
      oldAreas.remove(device);
      letAreaGo(device, true);
      if (engine.providers().get(Room.CHUNK) != null) {
        takeUp(Room.CHUNK, device);
      }
    }
  }

  private void adopt(Room room, FilteredDevice device) {
    try {
      switch (room) {
        case DEVICE -> adoptRaw(device);
        case TRACKER -> adoptTracker(device);
        case CHUNK -> adoptArea(device);
        case STORAGE -> throw new AssertionError(room);
      }
    } catch (BlksnapException | RuntimeException | Error e) {
      LOG.error("device {}: {} did not take over: {}", device.name(), room.bundle(), e.toString());
      giveUp(room, device, e.getMessage());
    }
  }

  private void adoptRaw(FilteredDevice device) throws BlksnapException {
    RawDevice raw = reopen(device);
    long before = device.geometry().capacity();
    device.installRaw(raw);
    long capacity = raw.geometry().capacity();
    String changed = engine.baselines().changed(device);
    if (changed != null) {
      loseImage(device, changed);
      if (capacity == before) {
        engine.baselines().begin(device, changed);
      }
    }
    if (capacity != before) {
      if (device.tracker() != null) {
        ChangeMaps.renew(
            device.tracker(),
            capacity,
            GenerationReason.RESIZE,
            before + " to " + capacity + " bytes, during a hot swap");
        CbtInfo begun = Generations.of(device);
        if (begun != null) {
          engine.generations().announce(device, begun);
        }
        goodUnderPresentGeneration(device);
      } else {
        engine.changeMaps().markLost(device);
      }
      if (device.held() != null && capacity < device.held().geometry().capacity()) {
        loseImage(
            device,
            "the device shrank from " + before + " to " + capacity + " bytes under the snapshot");
      }
    }
    if (device.tracker() == null
        && engine.providers().get(Room.TRACKER) != null
        && !suspended.getOrDefault(device, Set.of()).contains(Room.TRACKER)) {
      // It came back while this device was away, and could not open the map without it.
      adopt(Room.TRACKER, device);
    }
    engine.guardian().watch(device.name(), raw);
  }

  /**
   * A device opened since the tracker went, or none at all: the map is opened when both are there,
   * by whoever of the two comes last.
   */
  private void adoptTracker(FilteredDevice device) throws BlksnapException {
    if (device.raw() != null) {
      device.installTracker(engine.changeMaps().adopt(device));
      goodUnderPresentGeneration(device);
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
    if (held == null || held.area() != null || held.error() != Errno.OK) {
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
                .adopt(engine.areas().request(snapshot, device, held, member.rule())));
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
      } catch (BlksnapException | RuntimeException | Error e) {
        loseStorage(snapshot, "its storage was not taken over: " + e.getMessage());
      }
    }
  }

  private void timedOut(Room room) {
    engine.control.lock();
    try {
      if (engine.providers().get(room) != null || timeouts.remove(room) == null) {
        return;
      }
      String why =
          room.bundle()
              + " was away for more than "
              + engine.settings().handoverTimeout().toMillis()
              + " ms";
      LOG.error("{}; the safe end is taken", why);
      if (room == Room.STORAGE) {
        engine.heldSnapshots().forEach(snapshot -> loseStorage(snapshot, why));
        settleOldAreas();
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
      engine.areas().lose(snapshot, view, Errno.ESHUTDOWN, why);
    }
    snapshot.storageRoom().giveUp();
  }

  private void giveUp(Room room, FilteredDevice device, String why) {
    if (room == Room.CHUNK) {
      loseImage(device, why);
    } else if (room == Room.TRACKER) {
      device.installTracker(null);
      engine.changeMaps().markLost(device);
    }
  }

  /** A map lost while the engine served the device takes no image with it. */
  private void goodUnderPresentGeneration(FilteredDevice device) {
    engine.heldSnapshots().forEach(snapshot -> snapshot.keepGeneration(device));
  }

  private void loseImage(FilteredDevice device, String why) {
    for (HeldSnapshot snapshot : engine.heldSnapshots()) {
      ImageView view = snapshot.views().get(device.name());
      if (view != null) {
        engine.areas().lose(snapshot, view, Errno.ESHUTDOWN, why);
      }
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
    boolean heldBySwap = suspended.containsKey(device) && !unquiet.contains(device);
    if (!heldBySwap && !engine.gates().close(device)) {
      return;
    }
    try {
      if (room == Room.TRACKER) {
        device.installTracker(engine.changeMaps().adopt(device));
        goodUnderPresentGeneration(device);
      } else {
        deviceIsBack(device);
      }
    } catch (IOException | RuntimeException | Error e) {
      LOG.error("device {}: {}", device.name(), e.toString());
    } finally {
      if (!heldBySwap) {
        device.say(describe(device));
        engine.gates().open(device);
      }
    }
  }

  private void deviceIsBack(FilteredDevice device) throws IOException {
    device.installRaw(reopen(device));
    String why = "the device bundle was away; others may have written meanwhile";
    loseImage(device, why);
    engine.baselines().begin(device, why);
    if (device.tracker() == null) {
      if (engine.providers().get(Room.TRACKER) != null) {
        device.installTracker(engine.changeMaps().adopt(device));
      }
    }
    engine.guardian().watch(device.name(), device.raw());
  }
}

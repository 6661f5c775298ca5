// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.change.CbtInfo;
import org.blksnap.api.change.GenerationReason;
import org.blksnap.api.snapshot.AttachRequest;
import org.blksnap.spi.device.OpenRequest;
import org.blksnap.spi.device.RawDevice;
import org.blksnap.spi.tracker.Tracker;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Puts the filter on devices and takes it off, and follows their capacity. All methods run under
 * the engine's control lock.
 *
 * <p>A device keeps its number as long as its record lies in the state directory, so that its image
 * has the same name after a restart, also where a configuration file attaches it.
 */
final class Attachments {
  private static final Logger LOG = LoggerFactory.getLogger(Attachments.class);
  private static final int LARGEST_MINOR = 1 << 20;

  private final Engine engine;
  private final AttachRefusals refusals;

  Attachments(Engine engine) {
    this.engine = engine;
    this.refusals = new AttachRefusals(engine);
  }

  FilteredDevice attach(AttachRequest asked) throws BlksnapException {
    engine.assertControlled();
    Path path = asked.path().toAbsolutePath().normalize();
    String name = asked.name() == null || asked.name().isEmpty() ? nameOf(path) : asked.name();
    refusals.checkName(name, path);
    AttachRequest request =
        new AttachRequest(
            path, name, asked.readOnly(), asked.force(), asked.durable(), asked.persistent());
    refusals.beforeOpening(path, name);
    RawDevice raw =
        engine
            .providers()
            .device()
            .open(new OpenRequest(path, request.readOnly(), request.force()));
    FilteredDevice device = null;
    boolean done = false;
    try {
      refusals.opened(raw.identity(), path, name);
      device = new FilteredDevice(name, request, raw, minorFor(name), engine);
      Path directory = engine.state().device(name);
      Files.createDirectories(directory);
      device.installTracker(
          engine.changeMaps().open(device, LeftEvidence.of(engine.leftDevices().claim(name), raw)));
      new DeviceRecord(request, device.minor()).write(directory);
      done = true;
    } catch (BlksnapException e) {
      throw e;
    } catch (IOException e) {
      throw new BlksnapException(
          BlksnapException.errnoOf(e), "device " + path + " was not attached: " + e, e);
    } finally {
      if (!done) {
        undo(device, raw);
      }
    }
    // Nobody sees the device before its snapshots hold it again: a write in between would not be
    // preserved.
    for (HeldSnapshot snapshot : engine.heldSnapshots()) {
      new Restoration(engine).relink(snapshot, device);
    }
    engine.deviceList().enlist(device);
    LOG.info("device {} attached: {}", name, path);
    engine.neededPlaces().warn(device);
    return device;
  }

  private static void undo(FilteredDevice device, RawDevice raw) {
    if (device != null && device.tracker() != null) {
      device.tracker().handOver();
    }
    closeRaw(raw);
  }

  private static void closeRaw(RawDevice raw) {
    try {
      raw.close();
    } catch (IOException e) {
      LOG.warn("{} was not closed: {}", raw.path(), e.toString());
    }
  }

  private static String nameOf(Path path) {
    String last = path.getFileName() == null ? "device" : path.getFileName().toString();
    String name = last.replaceAll("[^A-Za-z0-9._-]", "_").replaceAll("^[^A-Za-z0-9]+", "");
    return name.isEmpty() ? "device" : name.substring(0, Math.min(64, name.length()));
  }

  /** The number this name had before, or one that no device has, attached or remembered. */
  private int minorFor(String name) throws IOException {
    Set<Integer> taken = new HashSet<>();
    engine.filteredDevices().stream()
        .filter(d -> d.major() == 0)
        .forEach(d -> taken.add(d.minor()));
    int before = -1;
    for (Path directory : engine.state().devices()) {
      if (!Files.exists(DeviceRecord.in(directory))) {
        continue;
      }
      try {
        int minor = DeviceRecord.read(directory).minor();
        if (directory.getFileName().toString().equals(name)) {
          before = minor;
        } else {
          taken.add(minor);
        }
      } catch (IOException | RuntimeException e) {
        LOG.debug("{}: {}", directory, e.toString());
      }
    }
    if (before >= 0 && !taken.contains(before)) {
      return before;
    }
    for (int minor = 0; minor < LARGEST_MINOR; minor++) {
      if (!taken.contains(minor)) {
        return minor;
      }
    }
    throw new BlksnapException(
        Errno.ENOSPC, "more than " + LARGEST_MINOR + " files are known; detach some");
  }

  void detach(FilteredDevice device) throws BlksnapException {
    engine.assertControlled();
    Optional<UUID> holder = device.snapshot();
    if (holder.isPresent()) {
      throw new BlksnapException(
          Errno.EBUSY,
          "device "
              + device.name()
              + " is held by snapshot "
              + holder.get()
              + "; destroy that first (blksnap:snapshot-destroy)");
    }
    DeviceList.requireWhole(device);
    device.gateOfRequests().close(engine.settings().gateTimeout());
    try {
      device.end("detached");
      engine.deviceList().strike(device);
      engine.guardian().forget(device.name());
      closeCleanly(device);
      engine.changeMaps().settle(device);
      Files.deleteIfExists(DeviceRecord.in(engine.state().device(device.name())));
      LOG.info("device {} detached", device.name());
    } catch (IOException e) {
      throw new BlksnapException(
          BlksnapException.errnoOf(e),
          "device "
              + device.name()
              + " is detached, but not cleanly, so its next change map is a new generation: "
              + e,
          e);
    } finally {
      device.gateOfRequests().open();
    }
  }

  /** Gate closed. Data first, then the map that speaks of it, then the word that both are whole. */
  private void closeCleanly(FilteredDevice device) throws IOException {
    RawDevice raw = device.raw();
    Tracker tracker = device.tracker();
    device.installTracker(null);
    try {
      if (raw != null && tracker != null) {
        Baselines.rest(raw);
        raw.flush();
        tracker.close(raw.fingerprint());
      }
    } finally {
      if (tracker != null) {
        tracker.handOver();
      }
      device.installRaw(null);
      if (raw != null) {
        engine.guardian().forget(device.name());
        raw.close();
      }
    }
  }

  /**
   * The engine goes, first pass: no request is served any more, the diff area is left in its files.
   * Where requests are still inside, what they write may not be in the map.
   */
  void quietForStop(FilteredDevice device, DeviceGates.Closed gate) {
    engine.assertControlled();
    if (gate != DeviceGates.Closed.QUIET && !engine.swap().isSuspended(device)) {
      engine.changeMaps().markLost(device);
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
  void closeForStop(FilteredDevice device) {
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
  String leave(FilteredDevice device) {
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
        Baselines.rest(raw);
        return raw.fingerprint();
      } finally {
        engine.guardian().forget(device.name()); // from the close on others may write
      }
    } catch (IOException | RuntimeException | Error e) {
      LOG.error("device {} was not left in order: {}", device.name(), e.toString());
      return "";
    }
  }

  /** Begins the change map anew with the parameters in force, unless an image needs the old one. */
  CbtInfo restartChanges(FilteredDevice device) throws BlksnapException {
    engine.assertControlled();
    for (HeldSnapshot snapshot : engine.heldSnapshots()) {
      if (snapshot.views().containsKey(device.name())) {
        throw new BlksnapException(
            Errno.EBUSY,
            "the change map of device "
                + device.name()
                + " is not begun anew: snapshot "
                + snapshot.id()
                + " needs it; finish the backup, then blksnap:snapshot-destroy "
                + snapshot.id()
                + ", then try again");
      }
    }
    DeviceList.requireWhole(device);
    Map<String, UUID> generations = engine.generations().of(List.of(device));
    device.gateOfRequests().close(engine.settings().gateTimeout());
    try {
      engine.changeMaps().restart(device);
    } finally {
      device.gateOfRequests().open();
    }
    engine.generations().announceNew(List.of(device), generations);
    try {
      return device.tracker().info();
    } catch (IOException e) {
      throw new BlksnapException(
          Errno.EIO, "the change map of device " + device.name() + " cannot be read: " + e, e);
    }
  }

  /** Looks at the capacity now; true where it had changed. */
  boolean rescan(FilteredDevice device) throws IOException {
    engine.assertControlled();
    RawDevice raw = device.raw();
    if (raw == null
        || engine.swap().isSuspended(device)
        || engine.deviceList().named(device.name()) != device) {
      return false;
    }
    long before = device.geometry().capacity();
    if (!raw.refresh() && raw.geometry().capacity() == before) {
      return false;
    }
    if (raw.geometry().capacity() == before) {
      return false;
    }
    resize(device, raw, before);
    return true;
  }

  private void resize(FilteredDevice device, RawDevice raw, long before) throws BlksnapException {
    long capacity = raw.geometry().capacity();
    Map<String, UUID> generations = engine.generations().of(List.of(device));
    device.gateOfRequests().close(engine.settings().gateTimeout());
    try {
      if (device.tracker() != null) {
        ChangeMaps.renew(
            device.tracker(),
            capacity,
            GenerationReason.RESIZE,
            before + " to " + capacity + " bytes");
      }
      device.installRaw(raw);
      HeldArea held = device.held();
      if (held != null && capacity < held.geometry().capacity() && held.area() != null) {
        held.area()
            .corrupt(
                Errno.EIO,
                "the device shrank from "
                    + before
                    + " to "
                    + capacity
                    + " bytes under the snapshot");
      }
    } finally {
      device.gateOfRequests().open();
    }
    engine.heldSnapshots().forEach(snapshot -> snapshot.keepGeneration(device));
    engine.generations().announceNew(List.of(device), generations);
  }
}

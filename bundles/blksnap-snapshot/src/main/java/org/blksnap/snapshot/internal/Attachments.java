// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.regex.Pattern;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.change.CbtInfo;
import org.blksnap.api.change.GenerationReason;
import org.blksnap.api.snapshot.AttachRequest;
import org.blksnap.spi.device.DeviceIdentity;
import org.blksnap.spi.device.OpenRequest;
import org.blksnap.spi.device.RawDevice;
import org.blksnap.spi.tracker.Tracker;
import org.blksnap.spi.tracker.TrackerRequest;
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
  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,63}");
  private static final String MAP = "cbt.map";
  private static final int LARGEST_MINOR = 1 << 20;

  private final Engine engine;

  Attachments(Engine engine) {
    this.engine = engine;
  }

  FilteredDevice attach(AttachRequest asked) throws BlksnapException {
    engine.assertControlled();
    Path path = asked.path().toAbsolutePath().normalize();
    String name = asked.name() == null || asked.name().isEmpty() ? nameOf(path) : asked.name();
    checkName(name, path);
    AttachRequest request =
        new AttachRequest(
            path, name, asked.readOnly(), asked.force(), asked.durable(), asked.persistent());
    refuseBeforeOpening(path, name);
    RawDevice raw =
        engine
            .providers()
            .device()
            .open(new OpenRequest(path, request.readOnly(), request.force()));
    FilteredDevice device = null;
    boolean done = false;
    try {
      refuseOpened(raw.identity(), path, name);
      device = new FilteredDevice(name, request, raw, minorFor(name), engine::rescan);
      Path directory = engine.state().device(name);
      Files.createDirectories(directory);
      device.installTracker(openLeftTracker(device, engine.leftDevices().claim(name)));
      new DeviceRecord(request, device.minor()).write(directory);
      done = true;
    } catch (BlksnapException e) {
      throw e;
    } catch (IOException e) {
      throw new BlksnapException(Errno.EIO, "device " + path + " was not attached: " + e, e);
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

  private void checkName(String name, Path path) throws BlksnapException {
    if (!NAME.matcher(name).matches() || name.startsWith("blksnap-image")) {
      throw new BlksnapException(
          Errno.EINVAL,
          "device name \""
              + name
              + "\" refused: 1 to 64 letters, digits, '.', '_' or '-', beginning with a letter or digit,"
              + " and not like an image's");
    }
    FilteredDevice other = engine.deviceList().named(name);
    if (other != null) {
      boolean same = other.path().equals(path);
      throw new BlksnapException(
          same ? Errno.EALREADY : Errno.EEXIST,
          same
              ? path + " is attached already, as " + name
              : "device name "
                  + name
                  + " is taken by "
                  + other.path()
                  + "; choose another one with --name");
    }
  }

  /**
   * Asked before the file is opened: closing it again would drop the lock it is attached with. What
   * is not there is left to the opening to say.
   */
  private void refuseBeforeOpening(Path path, String name) throws BlksnapException {
    Optional<FileIdentity> identity = FileIdentity.find(path);
    if (identity.isEmpty()) {
      return;
    }
    for (FilteredDevice other : engine.filteredDevices()) {
      if (identity.get().is(other.deviceIdentity())) {
        throw attachedAlready(path, other);
      }
    }
    for (HeldSnapshot snapshot : engine.heldSnapshots()) {
      if (!snapshot.members().containsKey(name) && snapshot.places().hold(path, identity.get())) {
        throw isStorage(path, snapshot);
      }
    }
  }

  /** A loop device tells only now which file it lies on. */
  private void refuseOpened(DeviceIdentity identity, Path path, String name)
      throws BlksnapException {
    for (FilteredDevice other : engine.filteredDevices()) {
      if (FileIdentity.liesOn(identity, other.deviceIdentity().key())) {
        throw attachedAlready(path, other);
      }
    }
    for (HeldSnapshot snapshot : engine.heldSnapshots()) {
      if (!snapshot.members().containsKey(name) && snapshot.places().holdBelow(identity)) {
        throw isStorage(path, snapshot);
      }
    }
  }

  private static BlksnapException attachedAlready(Path path, FilteredDevice other) {
    return new BlksnapException(Errno.EALREADY, path + " is attached already, as " + other.name());
  }

  private static BlksnapException isStorage(Path path, HeldSnapshot snapshot) {
    return new BlksnapException(
        Errno.EBUSY,
        path
            + " refused: it is difference storage of snapshot "
            + snapshot.id()
            + ", which writes to it; attach another file, or destroy that first"
            + " (blksnap:snapshot-destroy)");
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

  /**
   * The map of a device being attached. One that an engine left in this boot is trusted as it is,
   * unless the device is not as it was left ({@code fingerprint}, null where none was).
   */
  private Tracker openLeftTracker(FilteredDevice device, String fingerprint) throws IOException {
    if (fingerprint == null) {
      return openTracker(device, false);
    }
    Instant begun = Instant.now().truncatedTo(ChronoUnit.MILLIS);
    Tracker tracker = openTracker(device, true);
    String now = device.raw().fingerprint();
    if (!now.equals(fingerprint) && !beganSince(tracker, begun)) {
      tracker.renew(
          device.raw().geometry().capacity(),
          GenerationReason.CHANGED_WHILE_DETACHED,
          "fingerprint was " + fingerprint + ", is " + now);
      engine.generations().announce(device, tracker.info());
    }
    return tracker;
  }

  Tracker openTracker(FilteredDevice device, boolean adopt) throws BlksnapException {
    Instant begun = Instant.now().truncatedTo(ChronoUnit.MILLIS);
    RawDevice raw = device.raw();
    Path lost = lostMarker(device);
    try {
      Tracker tracker =
          engine
              .providers()
              .tracker()
              .open(
                  new TrackerRequest(
                      device.name(),
                      engine.state().device(device.name()).resolve(MAP),
                      raw.geometry().capacity(),
                      engine.parameters().trackingRule(),
                      device.request().durable(),
                      raw.identity().key(),
                      adopt ? "" : raw.fingerprint(),
                      raw.lastModifiedMillis(),
                      engine.bootId(),
                      adopt));
      boolean fresh = beganSince(tracker, begun);
      if (Files.exists(lost)) {
        // A generation begun just now has its own reason, which must not be hidden: it may speak of
        // worse.
        if (!fresh) {
          renew(
              tracker,
              raw.geometry().capacity(),
              GenerationReason.TRACKER_LOST,
              "writes passed without being tracked");
          fresh = true;
        }
        Files.delete(lost);
      }
      if (fresh) {
        engine.generations().announce(device, tracker.info());
      }
      return tracker;
    } catch (BlksnapException e) {
      throw e;
    } catch (IOException e) {
      throw new BlksnapException(
          Errno.EIO, "device " + device.name() + ": its change map was not opened: " + e, e);
    }
  }

  /**
   * Begins a generation while the device is in use. All of it counts as changed since its number 0:
   * the image of a snapshot held now is older than the generation, and a consumer who reads that
   * image keeps number 0. What was written between must be in its next increment; who comes from a
   * later take does not see these marks.
   */
  static void renew(Tracker tracker, long capacity, GenerationReason reason, String detail)
      throws BlksnapException {
    tracker.renew(capacity, reason, detail);
    tracker.mark(0, capacity);
  }

  private static boolean beganSince(Tracker tracker, Instant begun) throws IOException {
    CbtInfo info = tracker.info();
    return !info.since().isBefore(begun);
  }

  /** Stands as long as writes have passed untracked and no new generation says so. */
  private Path lostMarker(FilteredDevice device) {
    return engine.state().device(device.name()).resolve("tracker-lost");
  }

  void markTrackerLost(FilteredDevice device) {
    try {
      Files.writeString(lostMarker(device), "writes passed without being tracked\n");
    } catch (IOException e) {
      setMapAside(device, e);
    }
  }

  /** Needs no space: a map that is not there is as little trusted as one with the marker. */
  private void setMapAside(FilteredDevice device, IOException why) {
    Path map = engine.state().device(device.name()).resolve(MAP);
    try {
      Files.move(map, map.resolveSibling(MAP + ".damaged"), StandardCopyOption.REPLACE_EXISTING);
      LOG.warn(
          "device {}: its change map is lost, and no marker could be written ({}), so its file was"
              + " set aside",
          device.name(),
          why.toString());
    } catch (IOException e) {
      e.addSuppressed(why);
      LOG.error(
          "device {}: it could not be written down that its change map is lost ({}); make the next backup a full one",
          device.name(),
          e.toString());
    }
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
      closeCleanly(device);
      Files.deleteIfExists(DeviceRecord.in(engine.state().device(device.name())));
    } catch (IOException e) {
      throw new BlksnapException(
          Errno.EIO,
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
  private static void closeCleanly(FilteredDevice device) throws IOException {
    RawDevice raw = device.raw();
    Tracker tracker = device.tracker();
    device.installTracker(null);
    try {
      if (raw != null && tracker != null) {
        raw.flush();
        tracker.close(raw.fingerprint());
      }
    } finally {
      if (tracker != null) {
        tracker.handOver();
      }
      device.installRaw(null);
      if (raw != null) {
        raw.close();
      }
    }
  }

  /**
   * The engine goes, first pass: no request is served any more, the diff area is left in its files.
   * True where the gate was closed here.
   */
  boolean quietForStop(FilteredDevice device) {
    engine.assertControlled();
    boolean closedHere = engine.closeGate(device);
    if (!closedHere && !engine.swap().isSuspended(device)) {
      markTrackerLost(device);
    }
    device.end("the engine is stopped");
    HeldArea held = device.held();
    if (held != null && held.area() != null) {
      held.area().close();
    }
    return closedHere;
  }

  /** Second pass, when no store worker writes to any device any more: fingerprints are true now. */
  void closeForStop(FilteredDevice device) {
    engine.assertControlled();
    try {
      closeCleanly(device);
    } catch (IOException | RuntimeException e) {
      LOG.error("device {} was not closed cleanly: {}", device.name(), e.toString());
    }
  }

  /**
   * Second pass where a successor follows: everything stays as it lies in memory and files. Answers
   * the fingerprint the device is left with, empty where it could not be had.
   */
  String leave(FilteredDevice device) {
    engine.assertControlled();
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
      return raw.fingerprint();
    } catch (IOException | RuntimeException e) {
      LOG.error("device {} was not left in order: {}", device.name(), e.toString());
      return "";
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
        renew(
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

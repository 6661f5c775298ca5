// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal.control;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.linux.file.FileIdentity;
import org.blksnap.snapshot.internal.data.FilteredDevice;
import org.blksnap.spi.device.RawDevice;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What the engine cannot do without while a file system is frozen, and whether a take would freeze
 * just that. A page that cannot be written keeps the thread that touches it from every safepoint,
 * and so stops the JVM as a whole, thaw included; a log line that cannot be written stops whoever
 * writes it.
 *
 * <p>Asked at each take, since mounts come and go, and told at an attach and by the doctor, so that
 * nobody learns of it only at the first take. All under the engine's control lock, but {@link
 * #finding}.
 */
public final class NeededPlaces {
  private static final Logger LOG = LoggerFactory.getLogger(NeededPlaces.class);

  /**
   * Something needed.
   *
   * @param what in words
   * @param path where it is
   * @param remedy how it is moved
   */
  public record Place(String what, Path path, String remedy) {}

  /** System properties that name directories the JVM or the framework works in. */
  private static final String[][] PROPERTIES = {
    {"karaf.data", "the data directory", "set KARAF_DATA"},
    {"karaf.log", "the log directory", "set the log's directory in etc/org.ops4j.pax.logging.cfg"},
    {"karaf.home", "the installation", "install on another disk"},
    {"karaf.base", "the installation", "install on another disk"},
    {"karaf.etc", "the configuration", "set KARAF_ETC"},
    {"org.osgi.framework.storage", "the cache of bundles", "set KARAF_DATA"},
    {"java.home", "the Java runtime", "set JAVA_HOME to one on another disk"},
    {"java.io.tmpdir", "the folder for temporary files", "set java.io.tmpdir"},
    {"jna.tmpdir", "JNA's folder for its library", "set jna.tmpdir"},
  };

  private final Desk desk;
  private final SnapshotList snapshots;

  private volatile boolean refusing = true;

  public NeededPlaces(Desk desk, SnapshotList snapshots) {
    this.desk = desk;
    this.snapshots = snapshots;
  }

  /** EBUSY: a take of these devices would freeze what is needed, and says what and what to do. */
  void refuseFrozen(List<FilteredDevice> devices) throws BlksnapException {
    desk.assertControlled();
    if (!refusing) {
      return;
    }
    for (FilteredDevice device : devices) {
      Optional<Place> frozen = frozenWith(device, devices);
      if (frozen.isPresent()) {
        throw new BlksnapException(
            Errno.EBUSY, "take refused: " + sentence(device, frozen.get()) + "; " + remedy(frozen));
      }
    }
  }

  /** For tests alone: takes all the same, to see what the thaw's watchdog does. */
  public void refuseNothing() {
    refusing = false;
  }

  /** A device that was just attached: its takes will be refused as things stand. */
  void warn(FilteredDevice device) {
    finding(device)
        .ifPresent(
            found ->
                LOG.warn(
                    "takes of device {} will be refused: {}; {}",
                    device.name(),
                    sentence(device, found),
                    remedy(Optional.of(found))));
  }

  /** What of ours a take of this device alone would freeze. Any thread. */
  public Optional<Place> finding(FilteredDevice device) {
    try {
      return frozenWith(device, List.of());
    } catch (BlksnapException unknown) {
      return Optional.empty();
    }
  }

  public String sentence(FilteredDevice device, Place place) {
    RawDevice raw = device.raw();
    return place.what()
        + " "
        + place.path()
        + " lies on device "
        + device.name()
        + " ("
        + device.path()
        + (raw == null ? "" : ", mounted on " + raw.mountPoints())
        + "), whose file systems are frozen for a take, and the engine would stand still";
  }

  public static String remedy(Optional<Place> place) {
    return "move it to another disk ("
        + place.map(Place::remedy).orElse("")
        + "), unmount the file system, or set freeze_deadline_seconds = 0 in"
        + " etc/org.blksnap.engine.cfg: nothing is frozen then, and the images are crash-consistent";
  }

  private Optional<Place> frozenWith(FilteredDevice device, List<FilteredDevice> together)
      throws BlksnapException {
    RawDevice raw = device.raw();
    if (raw == null || desk.settings().freezeDeadline().isZero() || raw.mountPoints().isEmpty()) {
      return Optional.empty();
    }
    List<Place> places = places();
    for (FilteredDevice other : together) {
      if (other != device && !other.deviceIdentity().blockDevice()) {
        places.add(new Place("device " + other.name(), other.path(), "take it by itself"));
      }
    }
    try {
      for (Place place : places) {
        if (raw.carries(place.path())) {
          return Optional.of(place);
        }
      }
      return Optional.empty();
    } catch (IOException e) {
      throw new BlksnapException(
          Errno.EIO,
          "take refused: it could not be found out what lies on device " + device.name() + ": " + e,
          e);
    }
  }

  private List<Place> places() {
    List<Place> places = new ArrayList<>();
    places.add(
        new Place(
            "the state directory",
            desk.state().root(),
            "state_directory in etc/org.blksnap.engine.cfg"));
    if (desk.hot().root() != null) {
      places.add(
          new Place(
              "the hot state directory",
              desk.hot().root(),
              "hot_state_directory in etc/org.blksnap.engine.cfg"));
    }
    for (HeldSnapshot snapshot : snapshots.all()) {
      for (Path place : snapshot.places().all()) {
        places.add(
            new Place(
                "difference storage of snapshot " + snapshot.id(),
                place,
                "destroy that snapshot, or give it other storage"));
      }
    }
    for (String[] property : PROPERTIES) {
      String value = System.getProperty(property[0]);
      if (value != null && value.startsWith("/")) {
        places.add(new Place(property[1], Path.of(value), property[2]));
      }
    }
    for (Path file : OpenFiles.written(this::attached)) {
      places.add(
          new Place(
              "a file that is open for writing here,",
              file,
              "a log by fileName in etc/org.ops4j.pax.logging.cfg, a directory that is a link or a"
                  + " mount by what it leads to"));
    }
    return places;
  }

  /** Writes to those wait for the thaw as everybody's do, and nothing else waits with them. */
  private boolean attached(FileIdentity file) {
    return desk.devices().all().stream().anyMatch(d -> DeviceFile.is(file, d.deviceIdentity()));
  }
}

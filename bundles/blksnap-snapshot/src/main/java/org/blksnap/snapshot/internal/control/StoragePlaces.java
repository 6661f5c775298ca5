// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal.control;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.ByteRange;
import org.blksnap.api.block.Errno;
import org.blksnap.api.block.Geometry;
import org.blksnap.enginebase.record.RecordFile;
import org.blksnap.linux.file.FileIdentity;
import org.blksnap.snapshot.internal.data.FilteredDevice;
import org.blksnap.spi.device.DeviceIdentity;
import org.blksnap.spi.device.OpenRequest;
import org.blksnap.spi.device.RawDevice;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Files, devices and directories given to one snapshot's storage, and the rules of what may stand
 * there: nothing that lies on a device of the snapshot, no attached device, no device others hold,
 * no blocks larger than the devices'. Ranges of a device that is in the snapshot itself may be
 * given: who names them says that nothing of value is there; they are neither tracked nor saved.
 *
 * <p>They stand in {@code places.record} beside the snapshot's record, written before the storage
 * gets them. All under the engine's control lock.
 */
final class StoragePlaces {
  static final String FILE = "places.record";

  private static final Logger LOG = LoggerFactory.getLogger(StoragePlaces.class);
  private static final String KIND = "places";
  private static final String KEY = "place.";

  private final Desk desk;
  private final Path directory;
  private final List<Path> places = new CopyOnWriteArrayList<>();

  /** {@code directory} is the snapshot's; what was given before a restart stands there. */
  StoragePlaces(Desk desk, Path directory) {
    this.desk = desk;
    this.directory = directory;
    Path file = directory.resolve(FILE);
    if (!Files.exists(file)) {
      return;
    }
    try {
      for (Map.Entry<String, String> entry : RecordFile.read(file, KIND).entrySet()) {
        if (entry.getKey().startsWith(KEY)) {
          places.add(Path.of(entry.getValue()));
        }
      }
    } catch (IOException | RuntimeException e) {
      LOG.error("{} was not read, so that the storage's places are not known: {}", file, e);
    }
  }

  /** What the storage does with a place. */
  interface Giving {
    void give() throws BlksnapException;
  }

  /** Notes the place, then gives it; one that is refused is struck again. */
  void give(Path given, Giving giving) throws BlksnapException {
    desk.assertControlled();
    Path place = given.toAbsolutePath();
    if (places.contains(place)) {
      giving.give();
      return;
    }
    places.add(place);
    boolean done = false;
    try {
      keep();
      giving.give();
      done = true;
    } catch (IOException e) {
      throw e instanceof BlksnapException own
          ? own
          : new BlksnapException(
              BlksnapException.errnoOf(e),
              "storage " + place + " was not written down, so it was not given: " + e,
              e);
    } finally {
      if (!done) {
        strike(place);
      }
    }
  }

  private void strike(Path place) {
    places.remove(place);
    try {
      keep();
    } catch (IOException e) {
      LOG.warn("storage {} stays written down though it was refused: {}", place, e.toString());
    }
  }

  private void keep() throws IOException {
    Map<String, String> values = new TreeMap<>();
    for (int i = 0; i < places.size(); i++) {
      values.put(KEY + i, places.get(i).toString());
    }
    RecordFile.write(directory.resolve(FILE), KIND, values);
  }

  /** Everything given. Any thread. */
  List<Path> all() {
    return List.copyOf(places);
  }

  /**
   * True where the file or device is in use as storage, by whatever name, or has a loop device over
   * it that is.
   */
  boolean hold(Path asked, FileIdentity identity) {
    for (Path place : places) {
      Optional<FileIdentity> given = FileIdentity.find(place);
      boolean same =
          given.filter(identity::equals).isPresent()
              || given.flatMap(FileIdentity::below).filter(identity::equals).isPresent();
      if (same || grownIn(place, asked)) {
        return true;
      }
    }
    return false;
  }

  /** As {@link #hold}, for a loop device over a file that is storage. */
  boolean holdBelow(DeviceIdentity device) {
    return places.stream()
        .map(FileIdentity::find)
        .anyMatch(place -> place.isPresent() && DeviceFile.is(place.get(), device));
  }

  /** The storage's own files in a directory carry the snapshot's id in their names. */
  private boolean grownIn(Path place, Path asked) {
    try {
      Path real = asked.toRealPath();
      return Files.isDirectory(place)
          && place.toRealPath().equals(real.getParent())
          && real.getFileName().toString().startsWith("blksnap-" + directory.getFileName());
    } catch (IOException unseen) {
      return false;
    }
  }

  /** A device that is to be added must carry none of them. */
  void check(FilteredDevice device) throws BlksnapException {
    for (Path place : places) {
      boolean directory = Files.isDirectory(place);
      if (directory || Files.isRegularFile(place)) {
        refuseCarried(device, directory ? place : parentOf(place), place);
      }
    }
  }

  /** A file or block device that is to be given; no ranges mean all of it. */
  void check(Path path, List<ByteRange> ranges, Geometry geometry, List<FilteredDevice> devices)
      throws BlksnapException {
    refuseAttached(path, ranges, devices);
    for (FilteredDevice device : devices) {
      checkBlockSize(device, geometry.logicalBlockSize());
      if (!isBlockDevice(path)) {
        refuseCarried(device, parentOf(path), path);
      }
    }
  }

  /** A directory that is to be given. */
  void check(Path directory, List<FilteredDevice> devices) throws BlksnapException {
    for (FilteredDevice device : devices) {
      refuseCarried(device, directory, directory);
    }
  }

  static void checkBlockSize(FilteredDevice device, int storageBlock) throws BlksnapException {
    int deviceBlock = device.geometry().logicalBlockSize();
    if (deviceBlock < storageBlock) {
      throw new BlksnapException(
          Errno.ENOTBLK,
          "device "
              + device.name()
              + " has logical blocks of "
              + deviceBlock
              + " bytes, the storage of "
              + storageBlock
              + "; give storage whose blocks are not larger than the device's");
    }
  }

  private static boolean isBlockDevice(Path path) {
    return !Files.isRegularFile(path);
  }

  /** Where the file itself lies, not a link to it. */
  private static Path parentOf(Path path) {
    try {
      return path.toRealPath().getParent();
    } catch (IOException unseen) {
      return path.toAbsolutePath().getParent();
    }
  }

  /** Storage written to it would destroy what is on the device, past its change map. */
  private void refuseAttached(Path path, List<ByteRange> ranges, List<FilteredDevice> devices)
      throws BlksnapException {
    FilteredDevice attached = attachedAt(path);
    if (attached == null || (devices.contains(attached) && !ranges.isEmpty())) {
      return;
    }
    throw new BlksnapException(
        Errno.EINVAL,
        "storage "
            + path
            + " refused: it is the attached device "
            + attached.name()
            + ", whose data would be overwritten; give another file or device"
            + (devices.contains(attached) ? ", or ranges of it where nothing of value is" : ""));
  }

  /**
   * The attached device with this content, by whatever name; else null. A block device that is
   * mounted or held by others is refused: it would be overwritten.
   */
  private FilteredDevice attachedAt(Path path) throws BlksnapException {
    FileIdentity identity;
    try {
      identity = FileIdentity.of(path);
    } catch (IOException e) {
      throw new BlksnapException(
          BlksnapException.errnoOf(e), "storage " + path + " refused: " + e, e);
    }
    for (FilteredDevice device : desk.devices().all()) {
      if (DeviceFile.is(identity, device.deviceIdentity())) {
        return device;
      }
    }
    return identity.block() ? attachedBelow(path) : null;
  }

  private FilteredDevice attachedBelow(Path path) throws BlksnapException {
    try (RawDevice raw = desk.providers().device().open(new OpenRequest(path, false, false))) {
      for (FilteredDevice device : desk.devices().all()) {
        if (DeviceFile.liesOn(raw.identity(), device.deviceIdentity().key())) {
          return device;
        }
      }
      return null;
    } catch (BlksnapException e) {
      throw new BlksnapException(e.errno(), "storage " + path + " refused: " + e.getMessage(), e);
    } catch (IOException e) {
      throw new BlksnapException(
          BlksnapException.errnoOf(e), "storage " + path + " refused: " + e, e);
    }
  }

  private static void refuseCarried(FilteredDevice device, Path directory, Path asked)
      throws BlksnapException {
    if (device.raw() == null || directory == null) {
      return;
    }
    try {
      if (device.raw().carries(directory)) {
        throw new BlksnapException(
            Errno.EINVAL,
            "storage "
                + asked
                + " refused: it lies on device "
                + device.name()
                + ", which this snapshot holds; give a place on another device");
      }
    } catch (BlksnapException e) {
      throw e;
    } catch (IOException e) {
      throw new BlksnapException(
          BlksnapException.errnoOf(e),
          "storage " + asked + ": it could not be found out on which device it lies: " + e,
          e);
    }
  }
}

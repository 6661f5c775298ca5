// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.block.Geometry;
import org.blksnap.spi.device.OpenRequest;

/**
 * Files, devices and directories given to one snapshot's storage, and the rules of what may stand
 * there: nothing that lies on a device of the snapshot, no device others hold, no blocks larger
 * than the devices'. All under the engine's control lock.
 */
final class StoragePlaces {
  private final Engine engine;
  private final List<Path> places = new ArrayList<>();

  StoragePlaces(Engine engine) {
    this.engine = engine;
  }

  void add(Path place) {
    engine.assertControlled();
    places.add(place);
  }

  /** A device that is to be added must carry none of them. */
  void check(FilteredDevice device) throws BlksnapException {
    for (Path place : places) {
      boolean directory = Files.isDirectory(place);
      if (directory || Files.isRegularFile(place)) {
        refuseCarried(device, directory ? place : place.toAbsolutePath().getParent(), place);
      }
    }
  }

  /** A file or block device that is to be given. */
  void check(Path path, Geometry geometry, List<FilteredDevice> devices) throws BlksnapException {
    refuseHeldElsewhere(path);
    for (FilteredDevice device : devices) {
      checkBlockSize(device, geometry.logicalBlockSize());
      if (!isBlockDevice(path)) {
        refuseCarried(device, path.toAbsolutePath().getParent(), path);
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

  /**
   * A block device that is mounted or held by others would be overwritten; one of our own is known
   * to be ours.
   */
  private void refuseHeldElsewhere(Path path) throws BlksnapException {
    if (!isBlockDevice(path)
        || engine.device(path.toAbsolutePath().normalize().toString()).isPresent()) {
      return;
    }
    try {
      engine.providers().device().open(new OpenRequest(path, false, false)).close();
    } catch (BlksnapException e) {
      throw new BlksnapException(e.errno(), "storage " + path + " refused: " + e.getMessage(), e);
    } catch (IOException e) {
      throw new BlksnapException(Errno.EIO, "storage " + path + " refused: " + e, e);
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
          Errno.EIO,
          "storage " + asked + ": it could not be found out on which device it lies: " + e,
          e);
    }
  }
}

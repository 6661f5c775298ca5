// SPDX-License-Identifier: Apache-2.0
package org.blksnap.kernel.internal.storage;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.ByteRange;
import org.blksnap.api.block.Errno;
import org.blksnap.api.block.Geometry;
import org.blksnap.kernel.internal.device.DeviceBook;
import org.blksnap.kernel.internal.device.LiveDevice;
import org.blksnap.kernel.internal.host.Disk;
import org.blksnap.kernel.internal.host.Disks;
import org.blksnap.kernel.internal.record.StoragePart;
import org.blksnap.spi.device.DeviceProvider;
import org.blksnap.spi.device.OpenRequest;
import org.blksnap.spi.device.RawDevice;

/**
 * What may not be given to a snapshot's storage: attached devices as a whole, what others hold,
 * blocks larger than the devices', what was given before, and files that lie on a device of the
 * snapshot by way of another device, where each store would be copied again. Files of a file system
 * that stands on such a device itself are allowed: the kernel does not copy its own stores.
 */
public final class StorageChecks {
  private final Disks disks;
  private final DeviceBook devices;
  private final Supplier<DeviceProvider> providers;
  private final Supplier<List<StoragePart>> allGiven;

  /** {@code allGiven}: what was given to all snapshots of this engine. */
  public StorageChecks(
      Disks disks,
      DeviceBook devices,
      Supplier<DeviceProvider> providers,
      Supplier<List<StoragePart>> allGiven) {
    this.disks = disks;
    this.devices = devices;
    this.providers = providers;
    this.allGiven = allGiven;
  }

  private DeviceProvider provider() throws BlksnapException {
    DeviceProvider now = providers.get();
    if (now == null) {
      throw new BlksnapException(
          Errno.ESHUTDOWN,
          "the bundle org.blksnap.device is away; start it: bundle:start org.blksnap.device");
    }
    return now;
  }

  Geometry geometry(Path path) throws BlksnapException {
    try {
      return provider().geometry(path);
    } catch (BlksnapException e) {
      throw new BlksnapException(e.errno(), "storage " + path + " refused: " + e.getMessage(), e);
    }
  }

  /** A block device that is to be given; the ranges are in it. */
  void blockDevice(
      Path path, Disk disk, List<ByteRange> ranges, Geometry geometry, List<LiveDevice> members)
      throws BlksnapException {
    blockSize(members, geometry.logicalBlockSize());
    Optional<LiveDevice> attached = devices.on(disk);
    boolean ours = attached.filter(members::contains).isPresent();
    if (attached.isPresent() && (!ours || ranges.isEmpty())) {
      throw new BlksnapException(
          Errno.EINVAL,
          "storage "
              + path
              + " refused: it is the attached device "
              + attached.get().name()
              + ", whose data would be overwritten; give another device"
              + (ours ? ", or ranges of it where nothing of value is" : ""));
    }
    if (attached.isEmpty()) {
      refuseHeld(path);
    }
  }

  private void refuseHeld(Path path) throws BlksnapException {
    try (RawDevice raw = provider().open(new OpenRequest(path, false, false))) {
      raw.geometry();
    } catch (BlksnapException e) {
      throw new BlksnapException(e.errno(), "storage " + path + " refused: " + e.getMessage(), e);
    } catch (IOException e) {
      throw new BlksnapException(
          BlksnapException.errnoOf(e), "storage " + path + " refused: " + e, e);
    }
  }

  /** EINVAL where one is outside, unaligned, empty, or overlaps another. */
  void ranges(Path path, List<ByteRange> ranges, Geometry geometry) throws BlksnapException {
    int block = geometry.logicalBlockSize();
    for (int i = 0; i < ranges.size(); i++) {
      ByteRange range = ranges.get(i);
      boolean aligned = range.offset() % block == 0 && range.length() % block == 0;
      if (range.length() == 0 || range.end() > geometry.capacity() || !aligned) {
        throw new BlksnapException(
            Errno.EINVAL,
            "storage range "
                + range
                + " of "
                + path
                + " refused: allowed are multiples of "
                + block
                + " bytes, more than 0, within its "
                + geometry.capacity()
                + " bytes");
      }
      if (ranges.subList(0, i).stream().anyMatch(range::overlaps)) {
        throw givenBefore(path, range);
      }
    }
  }

  /** EINVAL where the kernel has some of it already. */
  void notGivenBefore(StoragePart part) throws BlksnapException {
    for (StoragePart other : allGiven.get()) {
      if (!other.device().equals(part.device())) {
        continue;
      }
      for (ByteRange range : part.ranges()) {
        if (other.ranges().stream().anyMatch(range::overlaps)) {
          throw givenBefore(part.given(), range);
        }
      }
    }
  }

  private static BlksnapException givenBefore(Path path, ByteRange range) {
    return new BlksnapException(
        Errno.EINVAL,
        "storage range " + range + " of " + path + " refused: some of it was given before");
  }

  /** A directory or file on a disk. */
  void place(Path place, Disk beneath, List<LiveDevice> members) throws BlksnapException {
    blockSize(members, geometry(beneath.node()).logicalBlockSize());
    for (LiveDevice member : members) {
      placeOf(place, beneath, member);
    }
  }

  private void placeOf(Path place, Disk beneath, LiveDevice member) throws BlksnapException {
    if (disks.onOneDisk(member.disk(), beneath)) {
      return;
    }
    boolean carried;
    try {
      carried = member.carries(place);
    } catch (IOException e) {
      throw new BlksnapException(
          BlksnapException.errnoOf(e),
          "storage " + place + ": it could not be found out on which device it lies: " + e,
          e);
    }
    if (carried) {
      throw new BlksnapException(
          Errno.EINVAL,
          "storage "
              + place
              + " refused: it lies on device "
              + member.name()
              + ", which this snapshot holds, by way of "
              + beneath.node()
              + ", so each store would be copied again; give a place on another device, or on the"
              + " file system of "
              + member.name()
              + " itself");
    }
  }

  /** ENOTBLK. */
  static void blockSize(List<LiveDevice> members, int storageBlock) throws BlksnapException {
    for (LiveDevice member : members) {
      int deviceBlock = member.geometry().logicalBlockSize();
      if (deviceBlock < storageBlock) {
        throw new BlksnapException(
            Errno.ENOTBLK,
            "device "
                + member.name()
                + " has logical blocks of "
                + deviceBlock
                + " bytes, the storage of "
                + storageBlock
                + "; give storage whose blocks are not larger than the device's");
      }
    }
  }
}

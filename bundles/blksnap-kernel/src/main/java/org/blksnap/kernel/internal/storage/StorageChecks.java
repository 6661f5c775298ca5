// SPDX-License-Identifier: Apache-2.0
package org.blksnap.kernel.internal.storage;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Supplier;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.ByteRange;
import org.blksnap.api.block.Errno;
import org.blksnap.api.block.Geometry;
import org.blksnap.kernel.internal.device.DeviceBook;
import org.blksnap.kernel.internal.device.LiveDevice;
import org.blksnap.kernel.internal.host.Disk;
import org.blksnap.kernel.internal.host.Disks;
import org.blksnap.kernel.internal.record.StorageRecord;
import org.blksnap.spi.device.DeviceProvider;
import org.blksnap.spi.device.OpenRequest;
import org.blksnap.spi.device.RawDevice;

/**
 * What may not be given to a snapshot's storage: attached devices as a whole, what others hold,
 * blocks larger than the devices', and files that lie on a device of the snapshot by way of another
 * device, where each store would be copied again. Files of a file system that stands on such a
 * device itself are allowed: the kernel does not copy its own stores.
 */
public final class StorageChecks {
  /** Bytes of a block of a file system, and least bytes of storage in a directory. */
  static final int FILE_BLOCK = 4096;

  private final Disks disks;
  private final DeviceBook devices;
  private final Supplier<DeviceProvider> providers;

  public StorageChecks(Disks disks, DeviceBook devices, Supplier<DeviceProvider> providers) {
    this.disks = disks;
    this.devices = devices;
    this.providers = providers;
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

  /** Of a file, as the disk beneath has to be written. */
  Geometry fileGeometry(Path file, Disk beneath) throws BlksnapException {
    Geometry geometry = geometry(file);
    int block = Math.max(geometry.logicalBlockSize(), geometry(beneath.node()).logicalBlockSize());
    return new Geometry(
        geometry.capacity(),
        block,
        Math.max(block, geometry.physicalBlockSize()),
        Math.max(block, geometry.minimumIo()),
        geometry.rotational(),
        geometry.readOnly());
  }

  /** Bytes that the size of each file of ours is a multiple of. */
  long unit(Disk beneath) throws BlksnapException {
    return Math.max(FILE_BLOCK, geometry(beneath.node()).logicalBlockSize());
  }

  boolean isAttached(String number) {
    return devices.all().stream().anyMatch(device -> device.disk().number().equals(number));
  }

  /**
   * A block device that is to be given, and claimed; the ranges are in it. {@code held}: it is
   * storage already, with other ranges. Answers whether it is a device of the snapshot itself.
   */
  boolean blockDevice(
      Path path,
      Disk disk,
      List<ByteRange> ranges,
      Geometry geometry,
      List<LiveDevice> members,
      boolean held)
      throws BlksnapException {
    blockSize(members, geometry.logicalBlockSize());
    for (LiveDevice attached : devices.all()) {
      if (!disks.overlap(attached.disk().number(), disk.number())) {
        continue;
      }
      boolean same = attached.disk().is(disk);
      boolean ours = same && members.contains(attached);
      if (!ours || ranges.isEmpty()) {
        throw new BlksnapException(
            Errno.EINVAL,
            "storage "
                + path
                + " refused: it is "
                + (same ? "" : "the disk, or a partition, of ")
                + "the attached device "
                + attached.name()
                + ", whose data would be overwritten; give another device"
                + (ours ? ", or ranges of it where nothing of value is" : ""));
      }
    }
    boolean own = devices.on(disk).isPresent();
    if (!own && !held) {
      refuseHeld(path);
    }
    return own;
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
        throw new BlksnapException(
            Errno.EINVAL,
            "storage range "
                + range
                + " of "
                + path
                + " refused: it overlaps another one; give each range once");
      }
    }
  }

  /** A directory that storage is to grow in. EINVAL, ENOTDIR, ENOENT. */
  static void directory(Path place, long limit, List<StorageRecord.Place> known)
      throws BlksnapException {
    if (limit < FILE_BLOCK) {
      throw new BlksnapException(
          Errno.EINVAL,
          "limit of "
              + limit
              + " bytes for "
              + place
              + " refused: allowed are "
              + FILE_BLOCK
              + " and more");
    }
    if (!Files.isDirectory(place)) {
      boolean there = Files.exists(place);
      throw new BlksnapException(
          there ? Errno.ENOTDIR : Errno.ENOENT,
          "storage directory "
              + place
              + " refused: "
              + (there ? "it is no directory; give one" : "there is none; make it first"));
    }
    if (known.stream().anyMatch(other -> other.directory().equals(place))) {
      throw new BlksnapException(
          Errno.EINVAL,
          "storage directory "
              + place
              + " refused: it was given to this snapshot before, and its limit stays; give another"
              + " directory");
    }
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

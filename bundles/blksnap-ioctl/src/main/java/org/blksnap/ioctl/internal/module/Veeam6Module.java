// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.module;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.ByteRange;
import org.blksnap.api.block.Errno;
import org.blksnap.ioctl.internal.layout.Veeam6;
import org.blksnap.ioctl.internal.layout.Veeam7;
import org.blksnap.spi.module.Dialect;
import org.blksnap.spi.module.MemberState;
import org.blksnap.spi.module.ModuleFeature;
import org.blksnap.spi.module.SnapshotSeed;
import org.blksnap.spi.module.TrackerState;

/**
 * {@code veeamblksnap} 6: control calls alone, devices by number. It tells of errors of images by
 * events and in no other way, so {@link #member} never has one.
 */
final class Veeam6Module extends LoadedModule {
  private static final String IMAGE = "veeamblksnapimg";

  Veeam6Module(Place place, Node control) {
    super(Dialect.VEEAM_6, place, control, CallWords.VEEAM_6, EventCodes.VEEAM_6);
  }

  private record Numbers(int major, int minor) {}

  private Numbers numbers(String call, Path device) throws BlksnapException {
    place.look().mustBeBlockDevice(call, device);
    try {
      long number = place.look().number(device);
      return new Numbers(NodeLook.major(number), NodeLook.minor(number));
    } catch (IOException failure) {
      throw new BlksnapException(
          BlksnapException.errnoOf(failure), call + " on " + device + ": " + failure, failure);
    }
  }

  @Override
  public Set<ModuleFeature> features() {
    return EnumSet.of(ModuleFeature.APPEND_STORAGE, ModuleFeature.LOW_FREE_SPACE);
  }

  @Override
  public String modification() {
    return modification(Veeam6.MODIFICATION_CALL, Veeam7.MODIFICATION, Veeam7.MODIFICATION_NAME);
  }

  @Override
  public UUID create(SnapshotSeed seed) throws BlksnapException {
    mustNotBeTold(seed, ModuleFeature.APPEND_STORAGE);
    if (seed.devices().isEmpty()) {
      throw new BlksnapException(
          Errno.ENODEV,
          "snapshot_create refused: "
              + dialect().text()
              + " has to be told the devices at the creation, and none was given");
    }
    Memory devices = Memory.of(calls, seed.devices().size() * Veeam6.DEV.size());
    for (int i = 0; i < seed.devices().size(); i++) {
      Numbers numbers = numbers("snapshot_create", seed.devices().get(i));
      ByteBuffer one = devices.element(i, Veeam6.DEV.size());
      Veeam6.DEV_MAJOR.put(one, numbers.major());
      Veeam6.DEV_MINOR.put(one, numbers.minor());
    }
    Memory argument = Memory.of(calls, Veeam6.CREATE);
    Veeam6.CREATE_COUNT.put(argument.bytes(), seed.devices().size());
    Veeam6.CREATE_DEVICES.put(argument.bytes(), devices.address());
    control.call("snapshot_create", Veeam6.CREATE_CALL, argument, Node.Broken.TOLD);
    devices.used();
    return Veeam6.CREATE_ID.uuid(argument.bytes());
  }

  @Override
  public void appendStorage(UUID snapshot, Path device, List<ByteRange> ranges)
      throws BlksnapException {
    String name = "snapshot_append_storage of " + device + " to " + snapshot;
    SectorRanges.check(name, ranges);
    Numbers numbers = numbers(name, device);
    try (Node held = control.held(name)) {
      SectorRanges.inSlices(
          "snapshot_append_storage",
          calls,
          ranges,
          (sectors, count) -> {
            Memory argument = Memory.of(calls, Veeam6.APPEND_STORAGE);
            Veeam6.APPEND_ID.put(argument.bytes(), snapshot);
            Veeam6.APPEND_MAJOR.put(argument.bytes(), numbers.major());
            Veeam6.APPEND_MINOR.put(argument.bytes(), numbers.minor());
            Veeam6.APPEND_COUNT.put(argument.bytes(), count);
            Veeam6.APPEND_RANGES.put(argument.bytes(), sectors.address());
            held.call(name, Veeam6.APPEND_STORAGE_CALL, argument, Node.Broken.TOLD);
          });
    }
  }

  @Override
  public void attach(Path device) throws BlksnapException {
    throw Refusal.unsupported(
        "attach of " + device, dialect().text(), "it attaches a device with its first snapshot");
  }

  /** {@code tracker_remove}. */
  @Override
  public void detach(Path device) throws BlksnapException {
    String name = "tracker_remove of " + device;
    Numbers numbers = numbers(name, device);
    Memory argument = Memory.of(calls, Veeam6.DEV);
    Veeam6.DEV_MAJOR.put(argument.bytes(), numbers.major());
    Veeam6.DEV_MINOR.put(argument.bytes(), numbers.minor());
    control.call(name, Veeam6.REMOVE_CALL, argument, Node.Broken.TOLD);
  }

  @Override
  public void addDevice(UUID snapshot, Path device) throws BlksnapException {
    throw Refusal.unsupported(
        "snapshotadd of " + device, dialect().text(), "name the devices at the creation");
  }

  /** Of each snapshot the images are asked; a snapshot that goes meanwhile has none. */
  @Override
  public MemberState member(Path device) throws BlksnapException {
    Numbers numbers = numbers("snapshot_collect_images", device);
    tracker(device);
    for (UUID snapshot : collect()) {
      for (ByteBuffer image : images(snapshot)) {
        if (Veeam6.IMAGE_MAJOR.get(image) == numbers.major()
            && Veeam6.IMAGE_MINOR.get(image) == numbers.minor()) {
          return Answers.member(device.toString(), 0, IMAGE + Veeam6.IMAGE_OWN_MINOR.get(image));
        }
      }
    }
    return Answers.member(device.toString(), 0, "");
  }

  private List<ByteBuffer> images(UUID snapshot) throws BlksnapException {
    Memory argument = Memory.of(calls, Veeam6.IMAGES);
    Veeam6.IMAGES_ID.put(argument.bytes(), snapshot);
    ListCall call = new ListCall(argument, Veeam6.IMAGES_COUNT, Veeam6.IMAGES_ARRAY);
    try {
      return list(
          "snapshot_collect_images of " + snapshot, Veeam6.IMAGES_CALL, call, Veeam6.IMAGE.size());
    } catch (BlksnapException failure) {
      if (failure.errno() == Errno.ESRCH || failure.errno() == Errno.ENODEV) {
        return List.of();
      }
      throw failure;
    }
  }

  @Override
  public TrackerState tracker(Path device) throws BlksnapException {
    return tracker(device, numbers("tracker_collect", device));
  }

  private TrackerState tracker(Path device, Numbers numbers) throws BlksnapException {
    ListCall call =
        new ListCall(
            Memory.of(calls, Veeam6.TRACKERS), Veeam6.TRACKERS_COUNT, Veeam6.TRACKERS_ARRAY);
    List<ByteBuffer> trackers =
        list("tracker_collect", Veeam6.TRACKERS_CALL, call, Veeam6.CBT_INFO.size());
    for (ByteBuffer info : trackers) {
      if (Veeam6.CBT_INFO_MAJOR.get(info) == numbers.major()
          && Veeam6.CBT_INFO_MINOR.get(info) == numbers.minor()) {
        return Answers.tracker(
            device.toString(),
            Veeam6.CBT_INFO_CAPACITY.get(info),
            Veeam6.CBT_INFO_BLOCK_SIZE.get(info),
            Veeam6.CBT_INFO_BLOCK_COUNT.get(info),
            Veeam6.CBT_INFO_GENERATION.uuid(info),
            (int) Veeam6.CBT_INFO_NUMBER.get(info));
      }
    }
    throw new BlksnapException(
        Errno.ENOENT,
        "tracker_collect: "
            + device
            + " is not among the "
            + trackers.size()
            + " devices that the module tracks; it begins with a device's first snapshot");
  }

  @Override
  public int readMap(Path device, long index, ByteBuffer dst) throws BlksnapException {
    Numbers numbers = numbers("tracker_read_cbt_map", device);
    MapReading.Source source =
        new MapReading.Source() {
          @Override
          public TrackerState state() throws BlksnapException {
            return tracker(device, numbers);
          }

          @Override
          public void read(long offset, int length, long address) throws BlksnapException {
            Memory argument = Memory.of(calls, Veeam6.READ_MAP);
            Veeam6.READ_MAP_MAJOR.put(argument.bytes(), numbers.major());
            Veeam6.READ_MAP_MINOR.put(argument.bytes(), numbers.minor());
            Veeam6.READ_MAP_OFFSET.put(argument.bytes(), offset);
            Veeam6.READ_MAP_LENGTH.put(argument.bytes(), length);
            Veeam6.READ_MAP_BUFFER.put(argument.bytes(), address);
            String name = "tracker_read_cbt_map of " + device + ", " + length + " at " + offset;
            control.call(name, Veeam6.READ_MAP_CALL, argument, Node.Broken.AGAIN);
          }
        };
    return MapReading.read(calls, device.toString(), source, index, dst);
  }

  @Override
  public void markDirty(Path device, List<ByteRange> ranges) throws BlksnapException {
    String name = "tracker_mark_dirty of " + device;
    SectorRanges.check(name, ranges);
    Numbers numbers = numbers(name, device);
    SectorRanges.inSlices(
        "tracker_mark_dirty",
        calls,
        ranges,
        (sectors, count) -> {
          Memory argument = Memory.of(calls, Veeam6.MARK_DIRTY);
          Veeam6.MARK_DIRTY_MAJOR.put(argument.bytes(), numbers.major());
          Veeam6.MARK_DIRTY_MINOR.put(argument.bytes(), numbers.minor());
          Veeam6.MARK_DIRTY_COUNT.put(argument.bytes(), count);
          Veeam6.MARK_DIRTY_RANGES.put(argument.bytes(), sectors.address());
          control.call(name, Veeam6.MARK_DIRTY_CALL, argument, Node.Broken.AGAIN);
        });
  }
}

// SPDX-License-Identifier: Apache-2.0
package org.blksnap.testkit;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.UUID;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.ByteRange;
import org.blksnap.api.block.Errno;
import org.blksnap.api.block.IoFlags;
import org.blksnap.api.change.ChangePoint;
import org.blksnap.api.change.ChangeSet;
import org.blksnap.api.snapshot.AttachedDevice;
import org.blksnap.api.snapshot.SnapshotImage;

/** Reading and writing devices and images, and asking for changes. */
final class DataSteps {
  private final Scene scene;
  private final Random random;
  private final EngineModel model;

  DataSteps(Scene scene) {
    this.scene = scene;
    this.random = scene.random;
    this.model = scene.model;
  }

  private IoFlags flags(IoFlags... possible) {
    IoFlags flags = IoFlags.NONE;
    for (IoFlags flag : possible) {
      flags = scene.oneIn(6) ? flags.with(flag) : flags;
    }
    return flags;
  }

  private byte[] data(int length) {
    byte[] data = new byte[length];
    if (!scene.oneIn(8)) {
      random.nextBytes(data);
    }
    return data;
  }

  private String told(DeviceModel device, int[] range, IoFlags flags) {
    return device.name() + " " + range[0] + "+" + range[1] + " flags " + flags;
  }

  String write() throws IOException {
    DeviceModel device = scene.anyDevice();
    scene.concerned = device;
    int[] range = scene.range(device.live().length);
    byte[] data = data(range[1]);
    IoFlags flags = flags(IoFlags.FUA, IoFlags.NO_WAIT);
    try {
      scene.real(device).write(scene.buffer(data), range[0], flags);
      model.write(device, range[0], data);
    } catch (BlksnapException e) {
      noWait(device, e, flags);
      device.changes().mark(range[0], range[1]);
      return told(device, range, flags) + ": EAGAIN";
    }
    return told(device, range, flags);
  }

  /** A no-wait write may be sent back as long as an image might need the old data. */
  private void noWait(DeviceModel device, BlksnapException e, IoFlags flags)
      throws BlksnapException {
    boolean may =
        flags.has(IoFlags.NO_WAIT)
            && e.errno() == Errno.EAGAIN
            && model.imageOf(device).isPresent();
    if (!may) {
      throw e;
    }
  }

  String writeZeroes() throws IOException {
    DeviceModel device = scene.anyDevice();
    scene.concerned = device;
    int[] range = scene.range(device.live().length);
    IoFlags flags = flags(IoFlags.FUA, IoFlags.NO_WAIT, IoFlags.NO_HOLE, IoFlags.FAST_ZERO);
    try {
      scene.real(device).writeZeroes(range[0], range[1], flags);
      model.writeZeroes(device, range[0], range[1]);
    } catch (BlksnapException e) {
      boolean notFast = flags.has(IoFlags.FAST_ZERO) && e.errno() == Errno.EOPNOTSUPP;
      if (notFast) {
        model.touch(device, range[0], range[1]);
      } else {
        noWait(device, e, flags);
        device.changes().mark(range[0], range[1]);
      }
      return told(device, range, flags) + ": " + e.errno();
    }
    return told(device, range, flags);
  }

  String discard() throws IOException {
    DeviceModel device = scene.anyDevice();
    scene.concerned = device;
    int[] range = scene.range(device.live().length);
    AttachedDevice real = scene.real(device);
    real.discard(range[0], range[1], flags(IoFlags.FUA));
    model.touch(device, range[0], range[1]);
    byte[] now = scene.read(real, range[0], range[1]);
    byte[] live = device.live();
    for (int i = 0; i < now.length; i++) {
      if (now[i] != 0 && now[i] != live[range[0] + i]) {
        throw new Difference(
            device.name() + ": discarded byte " + (range[0] + i) + " is neither zero nor old");
      }
    }
    System.arraycopy(now, 0, live, range[0], now.length);
    return told(device, range, IoFlags.NONE);
  }

  String outside() throws IOException {
    DeviceModel device = scene.anyDevice();
    scene.concerned = device;
    AttachedDevice real = scene.real(device);
    long capacity = device.live().length;
    long offset = scene.oneIn(3) ? -1 - random.nextInt(5000) : capacity - random.nextInt(512);
    int length = 513 + random.nextInt(5000);
    return switch (random.nextInt(5)) {
      case 0 ->
          scene.refuse(
              Errno.EINVAL, "read outside", () -> real.read(ByteBuffer.allocate(length), offset));
      case 1 ->
          scene.refuse(
              Errno.ENOSPC,
              "write outside",
              () -> real.write(ByteBuffer.allocate(length), offset, IoFlags.NONE));
      case 2 ->
          scene.refuse(
              Errno.ENOSPC, "discard outside", () -> real.discard(offset, length, IoFlags.NONE));
      case 3 ->
          scene.refuse(
              Errno.ENOSPC, "zeroes outside", () -> real.writeZeroes(offset, length, IoFlags.NONE));
      default ->
          scene.refuse(
              Errno.EINVAL,
              "a flag of zeroes",
              () -> real.write(ByteBuffer.allocate(512), 0, IoFlags.NO_HOLE));
    };
  }

  String read() throws IOException {
    DeviceModel device = scene.anyDevice();
    scene.concerned = device;
    int[] range = scene.range(device.live().length);
    AttachedDevice real = scene.real(device);
    byte[] expected = Arrays.copyOfRange(device.live(), range[0], range[0] + range[1]);
    Comparison.bytes(device.name(), expected, scene.read(real, range[0], range[1]), range[0]);
    Comparison.otherWays(device.name(), device.live(), real, range[0], range[1]);
    return told(device, range, IoFlags.NONE);
  }

  String readImage() throws IOException {
    DeviceModel device = scene.anyImaged();
    if (device == null) {
      return null;
    }
    scene.concerned = device;
    byte[] content = model.imageOf(device).orElseThrow().content();
    int[] range = scene.range(content.length);
    SnapshotImage real = scene.realImage(device);
    byte[] expected = Arrays.copyOfRange(content, range[0], range[0] + range[1]);
    try {
      Comparison.bytes(real.name(), expected, scene.read(real, range[0], range[1]), range[0]);
      Comparison.otherWays(real.name(), content, real, range[0], range[1]);
    } catch (BlksnapException e) {
      if (!scene.lostNow(device, e)) {
        throw e;
      }
      return told(device, range, IoFlags.NONE) + ": lost";
    }
    return told(device, range, IoFlags.NONE);
  }

  String writeImage() throws IOException {
    DeviceModel device = scene.anyImaged();
    if (device == null) {
      return null;
    }
    int[] range = scene.range(model.imageOf(device).orElseThrow().content().length);
    byte[] data = data(range[1]);
    IoFlags flags = flags(IoFlags.FUA, IoFlags.NO_WAIT);
    return changeImage(
        device, range, data, flags, real -> real.write(scene.buffer(data), range[0], flags));
  }

  String zeroImage() throws IOException {
    DeviceModel device = scene.anyImaged();
    if (device == null) {
      return null;
    }
    int[] range = scene.range(model.imageOf(device).orElseThrow().content().length);
    IoFlags flags = flags(IoFlags.FUA, IoFlags.NO_WAIT, IoFlags.FAST_ZERO);
    boolean discard = scene.oneIn(3) && !flags.has(IoFlags.FAST_ZERO);
    return changeImage(
        device,
        range,
        new byte[range[1]],
        flags,
        real -> {
          if (discard) {
            real.discard(range[0], range[1], flags);
          } else {
            real.writeZeroes(range[0], range[1], flags);
          }
        });
  }

  private interface ImageChange {
    void apply(SnapshotImage real) throws IOException;
  }

  private String changeImage(
      DeviceModel device, int[] range, byte[] data, IoFlags flags, ImageChange change)
      throws IOException {
    scene.concerned = device;
    ImageModel image = model.imageOf(device).orElseThrow();
    try {
      change.apply(scene.realImage(device));
      model.writeImage(device, image, range[0], data);
      return told(device, range, flags);
    } catch (BlksnapException e) {
      boolean refused =
          (e.errno() == Errno.EAGAIN && flags.has(IoFlags.NO_WAIT))
              || (e.errno() == Errno.EOPNOTSUPP && flags.has(IoFlags.FAST_ZERO));
      if (!refused) {
        image.touch(range[0], range[1]); // it may be this very write that the storage is short of
        boolean full = model.snapshotOf(device).orElseThrow().mayLoseImages();
        if (e.errno() == Errno.ENOSPC && flags.has(IoFlags.FUA) && full) {
          model.writeImage(device, image, range[0], data); // it is in memory, and not stored
          return told(device, range, flags) + ": in memory";
        }
        if (!scene.lostNow(device, e)) {
          throw e;
        }
        // lost before or within the write: it may have been marked
        device.changes().markBothOrNot(range[0], range[1], Comparison.map(scene.real(device)));
      }
      return told(device, range, flags) + ": " + e.errno();
    }
  }

  String changedSince() throws IOException {
    DeviceModel device = scene.anyDevice();
    scene.concerned = device;
    ChangeMapModel changes = device.changes();
    AttachedDevice real = scene.real(device);
    UUID generation = real.changes().info().generationId();
    int number = random.nextInt(changes.changesNumber() + 3);
    boolean other = scene.oneIn(10);
    ChangeSet got =
        real.changes()
            .changedSince(new ChangePoint(other ? new UUID(1, number) : generation, number));
    boolean full = other || number > changes.changesNumber();
    String what = device.name() + " since " + number + (other ? " of another generation" : "");
    Comparison.same(what + ": full", full, got.full());
    Comparison.same(what + ": says why", full, !got.fullReason().isEmpty());
    Comparison.same(what + ": generation", generation, got.point().generation());
    Comparison.same(what + ": number", changes.changesNumber(), got.point().number());
    Comparison.same(what + ": block", changes.blockSize(), got.blockSize());
    Comparison.same(
        what + ": extents",
        full ? List.of(new ByteRange(0, device.live().length)) : changes.changedSince(number),
        got.extents(0, Integer.MAX_VALUE));
    return what;
  }

  String markDirty() throws IOException {
    DeviceModel device = scene.anyDevice();
    scene.concerned = device;
    List<ByteRange> ranges = new ArrayList<>();
    for (int i = random.nextInt(4); i >= 0; i--) {
      int[] range = scene.range(device.live().length);
      ranges.add(new ByteRange(range[0], range[1]));
    }
    AttachedDevice real = scene.real(device);
    if (scene.oneIn(5)) {
      ranges.add(new ByteRange(device.live().length - random.nextInt(512), 1024));
      return scene.refuse(Errno.EINVAL, "dirty outside", () -> real.changes().markDirty(ranges));
    }
    real.changes().markDirty(ranges);
    ranges.forEach(range -> device.changes().markBoth(range.offset(), range.length()));
    return device.name() + " " + ranges;
  }
}

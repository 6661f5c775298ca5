// SPDX-License-Identifier: Apache-2.0
package org.blksnap.testkit;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.BlockDevice;
import org.blksnap.api.block.Errno;
import org.blksnap.api.snapshot.AttachRequest;
import org.blksnap.api.snapshot.AttachedDevice;
import org.blksnap.api.snapshot.Parameter;
import org.blksnap.api.snapshot.SnapshotImage;
import org.blksnap.api.snapshot.SnapshotService;

/** Engine and model side by side, and dice. */
final class Scene {
  private static final int SECTOR = 512;

  final Random random;
  final History.Kind kind;
  final Subject subject;
  final EngineModel model = new EngineModel();
  final Comparison comparison = new Comparison(model);
  private final SizeRule tracking;
  private int files;

  /** The device the last step was about; null for all. */
  DeviceModel concerned;

  Scene(Random random, History.Kind kind, Subject subject) {
    this.random = random;
    this.kind = kind;
    this.subject = subject;
    this.tracking = new SizeRule(9 + random.nextInt(6), 16 + random.nextInt(200), 16);
  }

  SnapshotService engine() {
    return subject.service();
  }

  void attachAll() throws IOException {
    set(Parameter.TRACKING_BLOCK_MINIMUM_SHIFT, tracking.minimumShift());
    set(Parameter.TRACKING_BLOCK_MAXIMUM_COUNT, tracking.maximumCount());
    set(Parameter.TRACKING_BLOCK_MAXIMUM_SHIFT, tracking.maximumShift());
    set(Parameter.CHUNK_MAXIMUM_COUNT, 1 << 20);
    set(Parameter.CHUNK_MINIMUM_SHIFT, 12 + random.nextInt(4));
    set(Parameter.DIFF_STORAGE_MINIMUM, 64L << random.nextInt(4));
    for (int i = 0; i < kind.devices(); i++) {
      String name = "dev" + i;
      byte[] content = new byte[capacity()];
      random.nextBytes(content);
      Files.write(deviceFile(name), content);
      engine().attach(AttachRequest.of(deviceFile(name)).named(name));
      model.attach(name, content, tracking);
    }
    concerned = null;
    compare(true);
  }

  void set(Parameter parameter, long value) throws BlksnapException {
    subject.parameters().set(parameter, value);
  }

  Path deviceFile(String name) {
    return subject.directory().resolve(name + ".img");
  }

  /** A file for storage. */
  Path newFile() {
    return subject.directory().resolve("storage-" + files++);
  }

  int capacity() {
    return SECTOR * (8 + random.nextInt(kind.largestCapacity() / SECTOR - 7));
  }

  void compare(boolean everything) throws IOException {
    if (everything || concerned == null) {
      comparison.everything(engine());
    } else {
      comparison.device(engine(), concerned);
    }
  }

  DeviceModel anyDevice() {
    return one(List.copyOf(model.devices().values()));
  }

  /** Null where there is none. */
  SnapshotModel anySnapshot() {
    return model.snapshots().isEmpty() ? null : one(List.copyOf(model.snapshots().values()));
  }

  /** A device with an image; null where there is none. */
  DeviceModel anyImaged() {
    List<DeviceModel> found = new ArrayList<>();
    for (DeviceModel device : model.devices().values()) {
      model.imageOf(device).ifPresent(image -> found.add(device));
    }
    return found.isEmpty() ? null : one(found);
  }

  <T> T one(List<T> list) {
    return list.get(random.nextInt(list.size()));
  }

  AttachedDevice real(DeviceModel device) {
    return Comparison.attached(engine(), device);
  }

  SnapshotImage realImage(DeviceModel device) {
    return Comparison.imageOf(engine(), device).orElseThrow(() -> new Difference("no image"));
  }

  boolean oneIn(int n) {
    return random.nextInt(n) == 0;
  }

  /** A stretch inside {@code size} bytes: small or large, aligned or not, now and then empty. */
  int[] range(int size) {
    int unit =
        switch (random.nextInt(4)) {
          case 0 -> 1;
          case 1 -> SECTOR;
          case 2 -> 4096;
          default -> 32_768;
        };
    int length = Math.min(size, oneIn(60) ? 0 : unit * (1 + random.nextInt(4)));
    if (unit == 1) {
      length = Math.min(size, length * (1 + random.nextInt(3000)));
    }
    int offset = random.nextInt(size - length + 1);
    if (oneIn(2)) {
      offset = offset / unit * unit;
    }
    return new int[] {offset, length};
  }

  ByteBuffer buffer(byte[] data) {
    if (oneIn(2)) {
      return ByteBuffer.wrap(data);
    }
    return ByteBuffer.allocateDirect(data.length).put(data).flip();
  }

  byte[] read(BlockDevice device, int offset, int length) throws IOException {
    ByteBuffer bytes = oneIn(2) ? ByteBuffer.allocate(length) : ByteBuffer.allocateDirect(length);
    device.read(bytes, offset);
    byte[] got = new byte[length];
    bytes.flip().get(got);
    return got;
  }

  /** Something that has to be refused with this error. */
  interface Refused {
    void run() throws IOException;
  }

  String refuse(Errno expected, String what, Refused call) throws IOException {
    try {
      call.run();
    } catch (BlksnapException e) {
      Comparison.same(what + " is refused with", expected, e.errno());
      return what + ": " + expected;
    }
    throw new Difference(what + " should be refused with " + expected + ", and was done");
  }

  /** The image's error, noticed where the model knows a reason for one; false where it is well. */
  boolean lostNow(DeviceModel device, BlksnapException e) throws BlksnapException {
    if (e.errno() != Errno.EIO) {
      throw e;
    }
    Optional<ImageModel> image = model.imageOf(device);
    if (image.isEmpty()) {
      return false;
    }
    comparison.noticeLoss(model.snapshotOf(device).orElseThrow(), image.get(), realImage(device));
    return image.get().lost();
  }
}

// SPDX-License-Identifier: Apache-2.0
package org.blksnap.testkit;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.Random;
import org.blksnap.api.block.Errno;
import org.blksnap.api.change.GenerationReason;
import org.blksnap.api.snapshot.AttachRequest;
import org.blksnap.api.snapshot.AttachedDevice;

/** What happens to devices and to the engine as a whole. */
final class DeviceSteps {
  private static final int SECTOR = 512;

  private final Scene scene;
  private final Random random;
  private final EngineModel model;

  DeviceSteps(Scene scene) {
    this.scene = scene;
    this.random = scene.random;
    this.model = scene.model;
  }

  String resize() throws IOException {
    DeviceModel device = scene.anyDevice();
    scene.concerned = null;
    int capacity = scene.capacity();
    if (capacity == device.live().length) {
      return null;
    }
    AttachedDevice real = scene.real(device);
    try (RandomAccessFile file = new RandomAccessFile(real.path().toFile(), "rw")) {
      file.setLength(capacity);
    }
    real.rescan();
    model.resize(device, capacity);
    return device.name() + " to " + capacity;
  }

  String restartChanges() throws IOException {
    DeviceModel device = scene.anyDevice();
    scene.concerned = device;
    AttachedDevice real = scene.real(device);
    if (model.imageOf(device).isPresent()) {
      return scene.refuse(
          Errno.EBUSY, "restarting changes of " + device.name(), real::restartChanges);
    }
    Comparison.same(
        device.name() + ": reason",
        GenerationReason.PARAMETERS_CHANGED,
        real.restartChanges().reason());
    device.restartChanges();
    return device.name();
  }

  String detach() throws IOException {
    DeviceModel device = scene.anyDevice();
    scene.concerned = null;
    if (model.snapshotOf(device).isPresent()) {
      return scene.refuse(
          Errno.EBUSY, "detaching " + device.name(), () -> scene.engine().detach(device.name()));
    }
    AttachRequest request = scene.real(device).request();
    scene.engine().detach(device.name());
    scene.refuse(Errno.ENODEV, "detaching again", () -> scene.engine().detach(device.name()));
    boolean changed = scene.oneIn(2);
    if (changed) {
      changeBehindItsBack(device);
    }
    scene.engine().attach(request);
    return device.name() + (changed ? ", changed meanwhile" : "");
  }

  /** Not through the filter, so nobody tracks it: a new generation has to follow. */
  private void changeBehindItsBack(DeviceModel device) throws IOException {
    byte[] data = new byte[SECTOR];
    random.nextBytes(data);
    int offset = random.nextInt(device.live().length - SECTOR + 1);
    Path path = scene.deviceFile(device.name());
    FileTime before = Files.getLastModifiedTime(path);
    // the file system's clock ticks in milliseconds: a change within one tick is not to be seen
    do {
      try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
        file.seek(offset);
        file.write(data);
      }
    } while (Files.getLastModifiedTime(path).equals(before));
    System.arraycopy(data, 0, device.live(), offset, data.length);
    device.renew();
    model.imageOf(device).ifPresent(ImageModel::lose);
  }

  String restart() throws Exception {
    scene.concerned = null;
    boolean changed = scene.oneIn(4);
    DeviceModel device = scene.anyDevice();
    scene.subject.restart(
        () -> {
          if (changed) {
            changeBehindItsBack(device);
          }
        });
    return changed ? device.name() + " changed meanwhile" : "nothing changed";
  }

  String restartAsKilled() throws Exception {
    scene.concerned = null;
    scene.subject.restartAsKilled();
    return "done";
  }
}

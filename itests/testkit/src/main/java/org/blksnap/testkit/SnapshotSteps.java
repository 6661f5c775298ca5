// SPDX-License-Identifier: Apache-2.0
package org.blksnap.testkit;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.UUID;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.ByteRange;
import org.blksnap.api.block.Consistency;
import org.blksnap.api.block.Errno;
import org.blksnap.api.snapshot.Parameter;
import org.blksnap.api.snapshot.Snapshot;
import org.blksnap.api.snapshot.SnapshotImage;
import org.blksnap.api.snapshot.SnapshotLease;
import org.blksnap.api.snapshot.SnapshotRequest;
import org.blksnap.api.snapshot.StorageGrant;

/** The life of snapshots, their storage and their events. */
final class SnapshotSteps {
  private static final int SECTOR = 512;

  /** Snapshots at a time. */
  private static final int MOST_SNAPSHOTS = 3;

  private final Scene scene;
  private final Random random;
  private final EngineModel model;
  private final EventCheck events;

  SnapshotSteps(Scene scene) {
    this.scene = scene;
    this.random = scene.random;
    this.model = scene.model;
    this.events = new EventCheck(scene);
  }

  private Snapshot real(SnapshotModel snapshot) throws BlksnapException {
    return scene.engine().snapshot(snapshot.id());
  }

  String create() throws IOException {
    if (model.snapshots().size() >= MOST_SNAPSHOTS) {
      return null;
    }
    Snapshot real = scene.engine().create();
    model.create(real.id(), scene.subject.parameters().value(Parameter.DIFF_STORAGE_MINIMUM));
    scene.concerned = null;
    return real.id().toString();
  }

  String add() throws IOException {
    SnapshotModel snapshot = scene.anySnapshot();
    if (snapshot == null) {
      return null;
    }
    DeviceModel device = scene.anyDevice();
    Snapshot real = real(snapshot);
    scene.concerned = device;
    if (scene.oneIn(10)) {
      return scene.refuse(Errno.ENODEV, "adding nothing", () -> real.addDevice("nothing"));
    }
    String what = "adding " + device.name() + " to " + snapshot.id();
    if (snapshot.images().containsKey(device.name())) {
      return scene.refuse(Errno.EALREADY, what, () -> real.addDevice(device.name()));
    }
    if (snapshot.taken() || model.snapshotOf(device).isPresent()) {
      return scene.refuse(Errno.EBUSY, what, () -> real.addDevice(device.name()));
    }
    real.addDevice(device.name());
    model.add(snapshot, device);
    return what;
  }

  String append() throws IOException {
    SnapshotModel snapshot = scene.anySnapshot();
    if (snapshot == null || snapshot.mayLoseImages()) {
      return null;
    }
    settle(snapshot);
    scene.concerned = null;
    int kind = random.nextInt(10);
    if (kind == 0 && !scene.kind.restarts()) {
      long bytes = SECTOR * (8L + random.nextInt(400));
      real(snapshot).appendStorageMemory(bytes);
      snapshot.storage().append(bytes);
      return bytes + " bytes of memory";
    }
    if (kind == 1) {
      Path directory = Files.createDirectories(scene.newFile());
      real(snapshot).appendStorageDirectory(directory, 1L << 30);
      snapshot.grow();
      return directory.toString();
    }
    return appendFile(snapshot);
  }

  private String appendFile(SnapshotModel snapshot) throws IOException {
    Path file = scene.newFile();
    int sectors = 64 + random.nextInt(2000);
    try (RandomAccessFile made = new RandomAccessFile(file.toFile(), "rw")) {
      made.setLength((long) sectors * SECTOR);
    }
    List<ByteRange> ranges = new ArrayList<>();
    long at = 0;
    while (scene.oneIn(2) && at < sectors) {
      at += random.nextInt(8);
      long count = Math.min(sectors - at, 1 + random.nextInt(sectors));
      if (count > 0) {
        ranges.add(ByteRange.ofSectors(at, count));
      }
      at += count;
    }
    real(snapshot).appendStorage(file, ranges);
    if (ranges.isEmpty()) {
      snapshot.storage().append((long) sectors * SECTOR);
    }
    ranges.forEach(range -> snapshot.storage().append(range.length()));
    if (scene.oneIn(4)) {
      scene.refuse(
          Errno.EINVAL,
          "storage given twice",
          () -> real(snapshot).appendStorage(file, List.copyOf(ranges)));
    }
    return file.getFileName() + " " + sectors + " sectors " + ranges;
  }

  String take() throws IOException {
    SnapshotModel snapshot = scene.anySnapshot();
    if (snapshot == null) {
      return null;
    }
    Snapshot real = real(snapshot);
    scene.concerned = null;
    String what = "taking " + snapshot.id();
    if (snapshot.taken()) {
      return scene.refuse(Errno.EALREADY, what, real::take);
    }
    if (snapshot.images().isEmpty()) {
      return scene.refuse(Errno.ENODEV, what, real::take);
    }
    if (snapshot.storage().isEmpty() && !snapshot.growing()) {
      return scene.refuse(Errno.EFAULT, what, real::take);
    }
    SizeRule chunks =
        new SizeRule(
            (int) scene.subject.parameters().value(Parameter.CHUNK_MINIMUM_SHIFT),
            scene.subject.parameters().value(Parameter.CHUNK_MAXIMUM_COUNT),
            (int) scene.subject.parameters().value(Parameter.CHUNK_MAXIMUM_SHIFT));
    String any = snapshot.images().keySet().iterator().next();
    int minimumIo = scene.real(model.devices().get(any)).geometry().minimumIo();
    // regular files that nobody froze
    Comparison.same(what + ": consistency", Consistency.CRASH, real.take().consistency());
    model.take(snapshot, chunks, minimumIo);
    return what;
  }

  String destroy() throws IOException {
    SnapshotModel snapshot = scene.anySnapshot();
    if (snapshot == null) {
      return null;
    }
    Snapshot real = real(snapshot);
    List<SnapshotImage> images = real.images();
    scene.concerned = null;
    if (scene.oneIn(2)) {
      real.destroy();
    } else {
      scene.engine().destroy(snapshot.id());
    }
    model.destroy(snapshot);
    events.forget(snapshot);
    real.destroy();
    scene.refuse(Errno.ESRCH, "destroyed snapshot", real::info);
    scene.refuse(Errno.ESRCH, "its events", () -> real.waitEvent(Duration.ofMinutes(1)));
    for (SnapshotImage image : images) {
      scene.refuse(Errno.ESTALE, "its image", () -> image.read(java.nio.ByteBuffer.allocate(1), 0));
    }
    return snapshot.id().toString();
  }

  String unknown() throws IOException {
    UUID id = new UUID(random.nextLong(), random.nextLong());
    scene.refuse(Errno.ESRCH, "unknown snapshot", () -> scene.engine().snapshot(id));
    return scene.refuse(Errno.ENODEV, "destroying nothing", () -> scene.engine().destroy(id));
  }

  String parameters() throws IOException {
    for (SnapshotModel snapshot : List.copyOf(model.snapshots().values())) {
      settle(snapshot);
    }
    long minimum = 64L << random.nextInt(4);
    scene.set(Parameter.DIFF_STORAGE_MINIMUM, minimum);
    scene.set(Parameter.CHUNK_MINIMUM_SHIFT, 12 + random.nextInt(4));
    scene.set(Parameter.CHUNK_MAXIMUM_IN_QUEUE, 1 + random.nextInt(40));
    scene.set(Parameter.FREE_DIFF_BUFFER_POOL_SIZE, random.nextInt(40));
    model.snapshots().values().forEach(snapshot -> snapshot.storage().minimum(minimum));
    scene.concerned = null;
    return String.valueOf(scene.subject.parameters().values());
  }

  String settle() throws IOException {
    SnapshotModel snapshot = scene.anySnapshot();
    if (snapshot == null) {
      return null;
    }
    settle(snapshot);
    scene.concerned = null;
    return snapshot.id().toString();
  }

  /**
   * Nothing waits to be stored afterwards, unless there is no room; fill, requests and events are
   * known as far as the model knows them.
   */
  private void settle(SnapshotModel snapshot) throws IOException {
    Snapshot real = real(snapshot);
    for (Map.Entry<String, ImageModel> entry : snapshot.images().entrySet()) {
      if (entry.getValue() != null) {
        DeviceModel device = model.devices().get(entry.getKey());
        try {
          scene.realImage(device).flush();
        } catch (BlksnapException e) {
          boolean inMemory = e.errno() == Errno.ENOSPC && snapshot.mayLoseImages();
          if (!inMemory && !scene.lostNow(device, e)) {
            throw e;
          }
        }
        entry.getValue().noteZeroes();
      }
    }
    Comparison.storage("settled " + snapshot.id(), snapshot, real.storage(), true);
    events.take(snapshot, real);
  }

  /** As many takes as lead over the wrap of the change number. */
  String manyTakes() throws IOException {
    DeviceModel device = scene.anyDevice();
    if (model.snapshotOf(device).isPresent()) {
      return null;
    }
    int takes = 40 + random.nextInt(100);
    int chunk = 1 << scene.subject.parameters().value(Parameter.CHUNK_MINIMUM_SHIFT);
    for (int i = 0; i < takes; i++) {
      SnapshotRequest request =
          SnapshotRequest.of(device.name()).on(StorageGrant.memory(4L * chunk));
      try (SnapshotLease lease = scene.engine().take(request)) {
        device.changes().take();
      }
      if (scene.oneIn(3)) {
        int[] range = scene.range(device.live().length);
        byte[] data = new byte[range[1]];
        random.nextBytes(data);
        scene.real(device).write(scene.buffer(data), range[0]);
        model.write(device, range[0], data);
      }
      scene.comparison.changes(device, scene.real(device));
    }
    scene.concerned = device;
    return takes + " takes of " + device.name();
  }
}

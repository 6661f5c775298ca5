// SPDX-License-Identifier: Apache-2.0
package org.blksnap.kernel.internal;

import static org.blksnap.kernel.internal.MemoryHouse.errno;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.snapshot.AttachRequest;
import org.blksnap.api.snapshot.AttachedDevice;
import org.blksnap.api.snapshot.Snapshot;
import org.blksnap.api.snapshot.SnapshotImage;
import org.blksnap.api.snapshot.SnapshotRequest;
import org.blksnap.kernel.internal.memory.MemoryDisk;
import org.blksnap.kernel.internal.record.SnapshotRecord;
import org.blksnap.spi.module.KernelModule;
import org.blksnap.spi.module.SnapshotSeed;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What is half done, or has become another thing meanwhile, is noticed and set right. */
class RepairsTest {
  private static final Duration SOON = Duration.ofSeconds(10);

  private MemoryHouse house;
  private MemoryDisk disk;

  @BeforeEach
  void begin() throws IOException {
    house = new MemoryHouse();
    house.kernel.parameter("diff_storage_minimum", 2048);
    disk = house.disk("disk");
    house.engine().attach(AttachRequest.of(disk.path()).named("disk").persistent(true));
  }

  @AfterEach
  void end() throws IOException {
    house.close();
  }

  private UUID taken() throws IOException {
    return house.engine().take(SnapshotRequest.of("disk")).keep();
  }

  /** A snapshot whose record has the disk, and the kernel has not. */
  private UUID recordedAlone() throws IOException {
    UUID id = house.engine().create().id();
    house.leave();
    Path records = house.directory.resolve("state/kernel/snapshots/" + id);
    SnapshotRecord record = SnapshotRecord.read(records);
    int minor = Integer.parseInt(disk.number().substring(disk.number().indexOf(':') + 1));
    int major = Integer.parseInt(disk.number().substring(0, disk.number().indexOf(':')));
    record
        .with(
            List.of(
                new SnapshotRecord.Member(
                    "disk", disk.path(), major, minor, "", Errno.OK, "", Optional.empty())))
        .write(records);
    return id;
  }

  @Test
  void aMemberThatTheKernelNeverGotIsAddedByTheSuccessor() throws IOException {
    UUID id = recordedAlone();
    assertEquals(List.of("disk"), house.engine().snapshot(id).devices());
    KernelModule kernel = house.kernel.find().orElseThrow();
    assertEquals(Errno.EBUSY, errno(() -> kernel.detach(disk.path())));
    assertEquals(Errno.EALREADY, errno(() -> kernel.addDevice(id, disk.path())));
  }

  @Test
  void aMemberThatAnotherSnapshotHasIsDroppedByTheSuccessor() throws IOException {
    UUID id = recordedAlone();
    KernelModule kernel = house.kernel.find().orElseThrow();
    UUID foreign = kernel.create(SnapshotSeed.NONE);
    kernel.addDevice(foreign, disk.path());
    assertEquals(List.of(), house.engine().snapshot(id).devices());
    assertTrue(house.engine().device("disk").orElseThrow().snapshot().isEmpty());
  }

  @Test
  void aDeviceThatAnotherProgramHasInASnapshotIsRefusedInWords() throws IOException {
    KernelModule kernel = house.kernel.find().orElseThrow();
    kernel.addDevice(kernel.create(SnapshotSeed.NONE), disk.path());
    Snapshot snapshot = house.engine().create();
    BlksnapException refused =
        assertThrows(BlksnapException.class, () -> snapshot.addDevice("disk"));
    assertEquals(Errno.EBUSY, refused.errno());
    assertTrue(refused.getMessage().contains("another program"), refused.getMessage());
    assertEquals(List.of(), snapshot.devices());
  }

  @Test
  void anImageThatTheKernelDidNotTellIsAskedForAgain() throws IOException {
    Snapshot snapshot = house.engine().create(SnapshotRequest.of("disk"));
    snapshot.appendStorageDirectory(house.directory, 4 << 20);
    house.kernel.failNext("member");
    List<String> warnings = snapshot.take().warnings();
    assertTrue(warnings.get(0).contains("image of device disk"), warnings.toString());
    assertEquals(List.of(), snapshot.images());
    house.engine().tick();
    snapshot.image("disk").read(ByteBuffer.allocate(512), 0);
  }

  @Test
  void anImageOfTheSameNameThatIsAnotherOneIsNotRead() throws IOException {
    SnapshotImage image = house.engine().snapshot(taken()).image("disk");
    house.kernel.replaceImage(disk);
    assertEquals(Errno.ESTALE, errno(() -> image.read(ByteBuffer.allocate(512), 0)));
  }

  @Test
  void aNodeThatLeadsToAnotherDeviceIsNotAskedInsteadOfTheOneMeant() throws IOException {
    AttachedDevice device = house.engine().device("disk").orElseThrow();
    house.host.strayed.add(disk.path());
    assertEquals(Errno.ENODEV, errno(() -> device.changes().info()));
    assertEquals(Errno.ENODEV, errno(() -> device.read(ByteBuffer.allocate(512), 0)));
    Snapshot snapshot = house.engine().create();
    assertEquals(Errno.ENODEV, errno(() -> snapshot.addDevice("disk")));
    house.host.strayed.clear();
    device.changes().info();
    snapshot.addDevice("disk");
  }

  @Test
  void anImageIsReadOnWhereTheKernelWouldNotDestroyItsSnapshot() throws IOException {
    UUID id = taken();
    SnapshotImage image = house.engine().snapshot(id).image("disk");
    house.kernel.failNext("destroy");
    assertEquals(Errno.EIO, errno(() -> house.engine().destroy(id)));
    image.read(ByteBuffer.allocate(512), 0);
    house.engine().destroy(id);
    assertEquals(Errno.ESTALE, errno(() -> image.read(ByteBuffer.allocate(512), 0)));
  }

  @Test
  void anEngineThatFailsToBeginHoldsNothingAndListensToNothing() throws IOException {
    UUID id = taken();
    house.leave();
    Path obstacle = house.directory.resolve("state/kernel/engine.record.new");
    Files.createDirectory(obstacle);
    assertThrows(BlksnapException.class, () -> house.engine());
    house.module.end("the test has seen it fail");
    assertEquals(0, house.host.open.size());
    MemoryHouse.until(
        SOON,
        "no thread listens",
        () ->
            Thread.getAllStackTraces().keySet().stream()
                .noneMatch(thread -> thread.getName().startsWith("blksnap-kernel-events")));
    Files.delete(obstacle);
    house.engine().snapshot(id).image("disk").read(ByteBuffer.allocate(512), 0);
  }
}

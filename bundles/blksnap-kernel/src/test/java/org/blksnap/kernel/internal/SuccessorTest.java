// SPDX-License-Identifier: Apache-2.0
package org.blksnap.kernel.internal;

import static org.blksnap.kernel.internal.MemoryHouse.errno;
import static org.blksnap.kernel.internal.MemoryHouse.filled;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.blksnap.api.block.Errno;
import org.blksnap.api.event.BlksnapEvent;
import org.blksnap.api.snapshot.AttachRequest;
import org.blksnap.api.snapshot.AttachedDevice;
import org.blksnap.api.snapshot.Snapshot;
import org.blksnap.api.snapshot.SnapshotImage;
import org.blksnap.api.snapshot.SnapshotRequest;
import org.blksnap.api.snapshot.SnapshotState;
import org.blksnap.api.snapshot.StorageGrant;
import org.blksnap.kernel.internal.memory.MemoryDisk;
import org.blksnap.spi.module.KernelModule;
import org.blksnap.spi.module.SnapshotSeed;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What one engine leaves in the kernel, and what the next one makes of it. */
class SuccessorTest {
  private static final Duration SOON = Duration.ofSeconds(10);

  private MemoryHouse house;
  private MemoryDisk disk;
  private MemoryDisk storage;

  @BeforeEach
  void begin() throws IOException {
    house = new MemoryHouse();
    house.kernel.parameter("diff_storage_minimum", 16384);
    disk = house.disk("disk");
    storage = house.disk("storage", 16 << 20);
  }

  @AfterEach
  void end() throws IOException {
    house.close();
  }

  private UUID taken() throws IOException {
    house.engine().attach(AttachRequest.of(disk.path()).named("disk"));
    return house
        .engine()
        .take(
            SnapshotRequest.of("disk")
                .on(StorageGrant.all(storage.path()))
                .labelled("nightly")
                .ownedBy("org.who"))
        .keep();
  }

  @Test
  void aSnapshotIsTakenOverWithOwnerLabelImagesAndChanges() throws IOException {
    UUID id = taken();
    Snapshot old = house.engine().snapshot(id);
    var point = old.image("disk").changes().info().point();
    house.leave();
    house.kernel.write(disk, 0, filled(1 << 20, 1));
    assertEquals(Errno.ESHUTDOWN, errno(old::destroy));
    Snapshot next = house.engine().snapshot(id);
    assertEquals("nightly", next.label());
    assertEquals("org.who", next.owner());
    assertEquals(SnapshotState.TAKEN, next.state());
    SnapshotImage image = next.image("disk");
    ByteBuffer bytes = ByteBuffer.allocate(MemoryHouse.CAPACITY);
    image.read(bytes, 0);
    assertArrayEquals(filled(MemoryHouse.CAPACITY, MemoryHouse.FILL), bytes.array());
    assertEquals(point, image.changes().info().point());
    assertEquals(Errno.EBUSY, errno(() -> house.engine().detach("disk")));
    next.destroy();
    house.engine().detach("disk");
  }

  @Test
  void eventsThatNobodyHasTakenAreToldByTheSuccessor() throws IOException {
    UUID id = taken();
    house.kernel.corrupt(disk, Errno.EIO);
    MemoryHouse.until(
        SOON, "the kernel's events are fetched", () -> house.kernel.eventsOf(id) == 0);
    house.leave();
    Snapshot next = house.engine().snapshot(id);
    BlksnapEvent.OfSnapshot first = next.waitEvent(SOON);
    BlksnapEvent.OfSnapshot lost =
        first instanceof BlksnapEvent.Corrupted ? first : next.waitEvent(SOON);
    assertEquals(Errno.EIO, assertInstanceOf(BlksnapEvent.Corrupted.class, lost).error());
    house.leave();
    Snapshot last = house.engine().snapshot(id);
    assertEquals(Errno.ENOENT, errno(() -> last.waitEvent(Duration.ZERO)));
    assertEquals(Errno.EIO, last.info().get(0).error());
  }

  @Test
  void eventsThatComeWhileNoEngineIsThereWaitInTheKernel() throws IOException {
    UUID id = taken();
    Snapshot before = house.engine().snapshot(id);
    before.waitEvent(SOON);
    house.leave();
    house.kernel.corrupt(disk, Errno.ENODEV);
    BlksnapEvent.Corrupted lost =
        assertInstanceOf(BlksnapEvent.Corrupted.class, house.engine().snapshot(id).waitEvent(SOON));
    assertEquals("disk", lost.device());
    assertEquals(Errno.ENODEV, lost.error());
  }

  @Test
  void aSwapOfTheBridgeLosesNeitherTheWaitNorTheEvent() throws Exception {
    UUID id = taken();
    Snapshot snapshot = house.engine().snapshot(id);
    snapshot.waitEvent(SOON);
    CompletableFuture<BlksnapEvent.OfSnapshot> waiter =
        CompletableFuture.supplyAsync(
            () -> {
              try {
                return snapshot.waitEvent(SOON);
              } catch (IOException e) {
                throw new IllegalStateException(e);
              }
            });
    house.module.withdraw();
    house.engine().renew();
    house.kernel.corrupt(disk, Errno.EIO);
    CompletableFuture<List<UUID>> asked =
        CompletableFuture.supplyAsync(
            () -> {
              try {
                return List.of(house.engine().create().id());
              } catch (IOException e) {
                throw new IllegalStateException(e);
              }
            });
    house.module.provide(house.kernel.find().orElseThrow());
    assertInstanceOf(BlksnapEvent.Corrupted.class, waiter.get(SOON.toSeconds(), TimeUnit.SECONDS));
    assertEquals(1, asked.get(SOON.toSeconds(), TimeUnit.SECONDS).size());
  }

  @Test
  void aSnapshotThatAnotherProgramMadeIsShownAndCanBeDestroyed() throws IOException {
    UUID foreign = house.kernel.find().orElseThrow().create(SnapshotSeed.NONE);
    Snapshot shown = house.engine().snapshot(foreign);
    assertTrue(shown.orphaned());
    assertEquals("", shown.owner());
    assertEquals(List.of(foreign), house.engine().collect());
    assertEquals(Errno.EOPNOTSUPP, errno(shown::take));
    assertEquals(Errno.EOPNOTSUPP, errno(() -> shown.waitEvent(Duration.ZERO)));
    house.engine().destroy(foreign);
    assertEquals(List.of(), house.engine().collect());
    assertEquals(Errno.ENODEV, errno(() -> house.engine().destroy(foreign)));
  }

  @Test
  void aSnapshotThatAnotherProgramDestroyedIsDestroyed() throws IOException {
    UUID id = taken();
    Snapshot snapshot = house.engine().snapshot(id);
    house.kernel.find().orElseThrow().destroy(id);
    MemoryHouse.until(SOON, "it is noticed", () -> snapshot.state() == SnapshotState.DESTROYED);
    MemoryHouse.until(
        SOON,
        "the device is free",
        () -> house.engine().device("disk").orElseThrow().snapshot().isEmpty());
  }

  @Test
  void aSnapshotOfAnotherLifeOfTheModuleIsClearedAwayWithItsFiles() throws IOException {
    house.engine().attach(AttachRequest.of(disk.path()).named("disk"));
    UUID id = house.engine().take(SnapshotRequest.of("disk")).keep();
    assertEquals(1, house.host.immutable().size());
    house.leave();
    house.kernel.unload();
    house.kernel.load();
    assertEquals(Errno.ESRCH, errno(() -> house.engine().snapshot(id)));
    assertEquals(0, house.host.immutable().size());
    try (var files = Files.list(house.directory.resolve("state/kernel/diff"))) {
      assertEquals(List.of(), files.toList());
    }
  }

  @Test
  void aTakeThatAKillCutOffIsWhatTheKernelSays() throws IOException {
    house.engine().attach(AttachRequest.of(disk.path()).named("disk"));
    Snapshot snapshot = house.engine().create(SnapshotRequest.of("disk"));
    snapshot.appendStorage(storage.path(), List.of());
    // As the record stands when the process dies behind the kernel's answer.
    KernelModule kernel = house.kernel.find().orElseThrow();
    house.leave();
    Killed.beforeTheRecordOfATake(house.directory, snapshot.id());
    kernel.take(snapshot.id());
    Snapshot next = house.engine().snapshot(snapshot.id());
    assertEquals(SnapshotState.TAKEN, next.state());
    ByteBuffer bytes = ByteBuffer.allocate(512);
    next.image("disk").read(bytes, 0);
    assertArrayEquals(filled(512, MemoryHouse.FILL), bytes.array());
  }

  @Test
  void aDeviceAttachedForOneLifeOfTheServiceIsThereAfterAnUpdate() throws IOException {
    house.engine().attach(AttachRequest.of(disk.path()).named("disk").persistent(false));
    house.leave();
    assertEquals(
        List.of("disk"), house.engine().devices().stream().map(AttachedDevice::name).toList());
  }

  @Test
  void aDeviceThatIsFoundLaterThanItsSnapshotHasItsImageBack() throws IOException {
    UUID id = taken();
    house.leave();
    Path away = house.directory.resolve("away");
    Files.move(disk.path(), away);
    assertEquals(List.of(), house.engine().devices());
    assertEquals(List.of(), house.engine().snapshot(id).images());
    house.engine().tick();
    assertEquals(List.of(), house.engine().devices());
    Files.move(away, disk.path());
    house.engine().tick();
    ByteBuffer bytes = ByteBuffer.allocate(512);
    house.engine().snapshot(id).image("disk").read(bytes, 0);
    assertEquals(id, house.engine().device("disk").orElseThrow().snapshot().orElseThrow());
    assertEquals(Errno.EBUSY, errno(() -> house.engine().detach("disk")));
  }
}

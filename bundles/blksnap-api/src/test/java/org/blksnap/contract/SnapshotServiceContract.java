// SPDX-License-Identifier: Apache-2.0
package org.blksnap.contract;

import static org.blksnap.contract.Bytes.errno;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.UUID;
import org.blksnap.api.block.ByteRange;
import org.blksnap.api.block.Errno;
import org.blksnap.api.block.IoFlags;
import org.blksnap.api.change.CbtInfo;
import org.blksnap.api.change.ChangePoint;
import org.blksnap.api.change.ChangeSet;
import org.blksnap.api.change.GenerationReason;
import org.blksnap.api.snapshot.AttachRequest;
import org.blksnap.api.snapshot.AttachedDevice;
import org.blksnap.api.snapshot.Capability;
import org.blksnap.api.snapshot.ImageInfo;
import org.blksnap.api.snapshot.Snapshot;
import org.blksnap.api.snapshot.SnapshotImage;
import org.blksnap.api.snapshot.SnapshotLease;
import org.blksnap.api.snapshot.SnapshotRequest;
import org.blksnap.api.snapshot.SnapshotService;
import org.blksnap.api.snapshot.SnapshotState;
import org.blksnap.api.snapshot.StorageGrant;
import org.blksnap.api.snapshot.Version;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * {@link SnapshotService}: what every engine does. What goes beyond it is skipped where the engine
 * does not have the {@link Capability}. The live device is written and read through {@link #write}
 * and {@link #read}, because users of a kernel's engine go past this API there.
 */
@Timeout(120)
public abstract class SnapshotServiceContract {
  /** Size of a disk. */
  protected static final int CAPACITY = 4 << 20;

  /** Size of what {@link #storage} answers. */
  protected static final int STORAGE = 16 << 20;

  /** What every byte of a disk is at first. */
  protected static final byte FILL = 0x5a;

  /** The engine, without devices and snapshots at first; the same one during a test. */
  protected abstract SnapshotService service() throws Exception;

  /** A disk of {@link #CAPACITY} bytes of {@link #FILL} that the engine can attach. */
  protected abstract Path disk(String name) throws Exception;

  /** A file or block device of {@link #STORAGE} bytes, another one each time. */
  protected abstract Path storage() throws Exception;

  /** Writes to the live device as its users do, and sees that it is on its way down. */
  protected void write(AttachedDevice device, long offset, byte[] bytes) throws IOException {
    device.write(ByteBuffer.wrap(bytes), offset, IoFlags.NONE);
  }

  /** Reads the live device as its users do. */
  protected byte[] read(AttachedDevice device, long offset, int length) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(length);
    device.read(bytes, offset);
    return bytes.array();
  }

  private void need(Capability capability) throws Exception {
    assumeTrue(
        service().capabilities().contains(capability),
        "the engine " + service().engine() + " has no " + capability);
  }

  private AttachedDevice attached(String name) throws Exception {
    return service().attach(AttachRequest.of(disk(name)).named(name));
  }

  private SnapshotRequest request(String... devices) throws Exception {
    return SnapshotRequest.of(devices).on(StorageGrant.all(storage()));
  }

  private static byte[] image(SnapshotImage image, long offset, int length) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(length);
    image.read(bytes, offset);
    return bytes.array();
  }

  private static void assertIs(int value, byte[] bytes) {
    assertArrayEquals(Bytes.filled(bytes.length, value), bytes);
  }

  @Test
  void itNamesItselfAndTheInterfaceItHas() throws Exception {
    assertFalse(service().engine().isBlank());
    assertEquals(Version.INTERFACE, service().version());
    assertEquals(List.of(), service().collect());
    assertEquals(List.of(), service().devices());
  }

  @Test
  void anAttachedDeviceIsFoundByNameAndPath() throws Exception {
    Path disk = disk("disk");
    AttachedDevice device = service().attach(AttachRequest.of(disk).named("disk"));
    assertEquals("disk", device.name());
    assertEquals(CAPACITY, device.capacity());
    assertEquals(disk, device.path());
    assertEquals(List.of("disk"), service().devices().stream().map(AttachedDevice::name).toList());
    for (String key : List.of("disk", disk.toString())) {
      assertEquals("disk", service().device(key).orElseThrow().name());
    }
    assertTrue(service().device("other").isEmpty());
    assertTrue(device.snapshot().isEmpty());
    assertIs(FILL, read(device, 0, CAPACITY));
  }

  @Test
  void attachingTwiceIsRefusedUnlessOneAsksForWhatIsThere() throws Exception {
    Path disk = disk("disk");
    AttachedDevice device = service().attach(AttachRequest.of(disk).named("disk"));
    assertEquals(Errno.EALREADY, errno(() -> service().attach(AttachRequest.of(disk))));
    Path other = disk("other");
    assertEquals(
        Errno.EEXIST, errno(() -> service().attach(AttachRequest.of(other).named("disk"))));
    assertEquals(
        device.identity(), service().attachOrGet(AttachRequest.of(disk).named("x")).identity());
    Path link = Files.createTempDirectory("attach").resolve("link");
    try {
      Files.createSymbolicLink(link, disk);
      assertEquals("disk", service().attachOrGet(AttachRequest.of(link)).name());
    } finally {
      Files.deleteIfExists(link);
      Files.delete(link.getParent());
    }
    assertEquals("other", service().attachOrGet(AttachRequest.of(other).named("other")).name());
    assertEquals(
        Errno.ENOENT,
        errno(() -> service().attachOrGet(AttachRequest.of(disk.resolveSibling("no such")))));
  }

  @Test
  void whatIsAttachedReadOnlyIsNotAnsweredToWhoWantsToWrite() throws Exception {
    need(Capability.READ_ONLY);
    Path disk = disk("disk");
    AttachedDevice device = service().attach(AttachRequest.of(disk).named("disk").readOnly(true));
    assertTrue(device.geometry().readOnly());
    assertEquals(Errno.EROFS, errno(() -> write(device, 0, new byte[512])));
    assertEquals(Errno.EROFS, errno(() -> service().attachOrGet(AttachRequest.of(disk))));
    assertEquals("disk", service().attachOrGet(AttachRequest.of(disk).readOnly(true)).name());
  }

  @Test
  void aDetachedDeviceIsGoneAndOneInASnapshotIsNotDetached() throws Exception {
    attached("disk");
    assertEquals(Errno.ENODEV, errno(() -> service().detach("other")));
    try (SnapshotLease lease = service().take(request("disk"))) {
      assertEquals(
          lease.snapshot().id(), service().device("disk").orElseThrow().snapshot().orElseThrow());
      assertEquals(Errno.EBUSY, errno(() -> service().detach("disk")));
    }
    service().detach("disk");
    assertEquals(List.of(), service().devices());
  }

  @Test
  void aSnapshotGoesFromCreatedToTakenToDestroyed() throws Exception {
    attached("disk");
    Snapshot snapshot = service().create();
    UUID id = snapshot.id();
    assertEquals(SnapshotState.CREATED, snapshot.state());
    assertEquals(List.of(id), service().collect());
    assertTrue(snapshot.taken().isEmpty());
    assertEquals(Errno.ENODEV, errno(snapshot::take));
    snapshot.addDevice("disk");
    assertEquals(Errno.EALREADY, errno(() -> snapshot.addDevice("disk")));
    assertEquals(Errno.ENODEV, errno(() -> snapshot.addDevice("other")));
    assertEquals(Errno.EFAULT, errno(snapshot::take));
    assertEquals(Errno.EAGAIN, errno(() -> snapshot.image("disk")));
    snapshot.appendStorage(storage(), List.of());
    Duration held = snapshot.take().held();
    boolean told = service().capabilities().contains(Capability.GATE_TIMES);
    assertEquals(told, !held.isZero(), held.toString());
    assertEquals(told, service().device("disk").orElseThrow().gate().closings() > 0);
    assertEquals(SnapshotState.TAKEN, snapshot.state());
    assertTrue(snapshot.taken().isPresent());
    assertEquals(Errno.EALREADY, errno(snapshot::take));
    assertEquals(List.of("disk"), snapshot.devices());
    assertEquals("disk", snapshot.image("disk").device());
    assertEquals(Errno.ENODEV, errno(() -> snapshot.image("other")));
    snapshot.destroy();
    snapshot.destroy();
    assertEquals(SnapshotState.DESTROYED, snapshot.state());
    assertEquals(List.of(), service().collect());
    assertEquals(List.of(), service().images());
    assertEquals(Errno.ESRCH, errno(snapshot::info));
    assertEquals(Errno.ESRCH, errno(() -> snapshot.image("disk")));
    assertEquals(List.of(), snapshot.images());
    assertEquals(Errno.ESRCH, errno(() -> service().snapshot(id)));
    assertEquals(Errno.ENODEV, errno(() -> service().destroy(id)));
  }

  @Test
  void aDeviceIsInOneSnapshotAtATime() throws Exception {
    attached("disk");
    Snapshot first = service().create(SnapshotRequest.of("disk"));
    Snapshot second = service().create();
    assertEquals(Errno.EBUSY, errno(() -> second.addDevice("disk")));
    first.destroy();
    second.addDevice("disk");
    second.destroy();
  }

  @Test
  void aRequestHappensWhollyOrNotAtAll() throws Exception {
    attached("disk");
    assertEquals(Errno.EINVAL, errno(() -> service().take(SnapshotRequest.of())));
    assertEquals(Errno.ENODEV, errno(() -> service().take(request("disk", "other"))));
    assertEquals(
        Errno.ENOENT,
        errno(
            () ->
                service()
                    .take(
                        SnapshotRequest.of("disk")
                            .on(StorageGrant.all(storage().resolveSibling("no such"))))));
    assertEquals(List.of(), service().collect());
    assertTrue(service().device("disk").orElseThrow().snapshot().isEmpty());
    service().take(request("disk")).close();
  }

  @Test
  void withoutAPlaceForItsStorageTheEngineChoosesOne() throws Exception {
    need(Capability.STORAGE_DIRECTORY);
    AttachedDevice device = attached("disk");
    try (SnapshotLease lease = service().take(SnapshotRequest.of("disk"))) {
      write(device, 0, Bytes.filled(CAPACITY, 1));
      assertIs(FILL, image(lease.image("disk"), 0, CAPACITY));
      assertEquals(Errno.OK, lease.image("disk").error());
    }
  }

  @Test
  void theImageStaysAsItWasWhateverIsWritten() throws Exception {
    AttachedDevice one = attached("one");
    AttachedDevice two = attached("two");
    write(one, 4096, Bytes.filled(4096, 1));
    try (SnapshotLease lease = service().take(request("one", "two"))) {
      byte[] before = image(lease.image("one"), 0, CAPACITY);
      write(one, 0, Bytes.filled(1 << 20, 2));
      write(two, CAPACITY - 512, Bytes.filled(512, 3));
      assertArrayEquals(before, image(lease.image("one"), 0, CAPACITY));
      assertIs(1, Arrays.copyOfRange(before, 4096, 8192));
      assertIs(FILL, image(lease.image("two"), 0, CAPACITY));
      assertIs(2, read(one, 0, 1 << 20));
      assertIs(3, read(two, CAPACITY - 512, 512));
      for (ImageInfo info : lease.snapshot().info()) {
        assertEquals(Errno.OK, info.error());
        assertEquals("", info.detail());
        assertEquals(
            service().capabilities().contains(Capability.CHUNK_STATISTICS),
            info.chunks().isPresent());
      }
    }
  }

  @Test
  void whatIsWrittenToAnImageIsTheImagesAlone() throws Exception {
    AttachedDevice device = attached("disk");
    try (SnapshotLease lease = service().take(request("disk"))) {
      SnapshotImage image = lease.image("disk");
      image.write(ByteBuffer.wrap(Bytes.filled(512, 7)), 1024, IoFlags.NONE);
      assertIs(7, image(image, 1024, 512));
      assertIs(FILL, image(image, 1536, 512));
      assertIs(FILL, read(device, 0, CAPACITY));
      write(device, 0, Bytes.filled(4096, 8));
      assertIs(7, image(image, 1024, 512));
      assertIs(FILL, image(image, 0, 1024));
    }
  }

  @Test
  void onlyWhoTookASnapshotDestroysItByClosing() throws Exception {
    attached("disk");
    SnapshotLease lease = service().take(request("disk").labelled("nightly").ownedBy("org.who"));
    Snapshot found = service().snapshot(lease.snapshot().id());
    assertEquals("nightly", found.label());
    assertEquals("org.who", found.owner());
    assertEquals(lease.snapshot().id(), lease.keep());
    lease.close();
    assertEquals(SnapshotState.TAKEN, found.state());
    service().destroy(found.id());
    SnapshotLease other = service().take(request("disk"));
    other.close();
    other.close();
    assertEquals(List.of(), service().collect());
  }

  /** The blocks of the device that hold these bytes are named, and the others are not. */
  private static void assertNames(ChangeSet set, long from, long to) throws IOException {
    assertFalse(set.full(), set.fullReason());
    long block = set.blockSize();
    long begin = from / block * block;
    long end = Math.min(set.capacity(), (to + block - 1) / block * block);
    assertEquals(List.of(new ByteRange(begin, end - begin)), set.extents(0, 100));
  }

  @Test
  void anIncrementNamesWhatChangedSinceTheLastOne() throws Exception {
    AttachedDevice device = attached("disk");
    ChangePoint point;
    try (SnapshotLease lease = service().take(request("disk"))) {
      ChangeSet first = lease.image("disk").changes().changedSince(ChangePoint.BEGINNING);
      assertTrue(first.full());
      assertEquals(CAPACITY, first.bytes());
      point = first.point();
    }
    write(device, 1 << 20, Bytes.filled(512, 1));
    try (SnapshotLease lease = service().take(request("disk"))) {
      write(device, 0, Bytes.filled(512, 2));
      ChangeSet second =
          lease.image("disk").changes().changedSince(ChangePoint.parse(point.toString()));
      assertNames(second, 1 << 20, (1 << 20) + 512);
      assertNotEquals(point, second.point());
      assertEquals(point.generation(), second.point().generation());
      point = second.point();
    }
    try (SnapshotLease lease = service().take(request("disk"))) {
      assertNames(lease.image("disk").changes().changedSince(point), 0, 512);
    }
  }

  @Test
  void aPointOfAnotherGenerationMeansEverything() throws Exception {
    attached("disk");
    try (SnapshotLease lease = service().take(request("disk"))) {
      ChangeSet set =
          lease.image("disk").changes().changedSince(new ChangePoint(UUID.randomUUID(), 1));
      assertTrue(set.full());
      assertFalse(set.fullReason().isBlank());
    }
  }

  @Test
  void whatIsMarkedDirtyIsInTheNextIncrement() throws Exception {
    AttachedDevice device = attached("disk");
    service().take(request("disk")).close();
    ChangePoint point = device.changes().info().point();
    device.changes().markDirty(List.of(new ByteRange(2 << 20, 1)));
    assertEquals(
        Errno.EINVAL, errno(() -> device.changes().markDirty(List.of(new ByteRange(CAPACITY, 1)))));
    try (SnapshotLease lease = service().take(request("disk"))) {
      assertNames(lease.image("disk").changes().changedSince(point), 2 << 20, (2 << 20) + 1);
    }
  }

  @Test
  void theFirstGenerationSaysWhyItBegan() throws Exception {
    CbtInfo info = attached("disk").changes().info();
    assertEquals(CAPACITY, info.deviceCapacity());
    assertEquals(
        service().capabilities().contains(Capability.GENERATION_REASONS)
            ? GenerationReason.FIRST_ATTACH
            : GenerationReason.NOT_KNOWN,
        info.reason());
  }

  @Test
  void aMapBegunAnewHasAnotherGenerationUnlessASnapshotNeedsIt() throws Exception {
    need(Capability.MAP_RESTART);
    AttachedDevice device = attached("disk");
    ChangePoint before = device.changes().info().point();
    try (SnapshotLease lease = service().take(request("disk"))) {
      assertEquals(Errno.EBUSY, errno(device::restartChanges));
      assertEquals(Errno.OK, lease.image("disk").error());
    }
    assertNotEquals(before.generation(), device.restartChanges().generationId());
    assertTrue(device.changes().changedSince(before).full());
  }

  @Test
  void anImageWhoseStorageIsOverIsLostAndTheLiveDeviceIsNot() throws Exception {
    AttachedDevice device = attached("disk");
    SnapshotRequest small =
        SnapshotRequest.of("disk")
            .on(StorageGrant.ranges(storage(), List.of(new ByteRange(0, 1 << 20))));
    try (SnapshotLease lease = service().take(small)) {
      for (int offset = 0; offset < CAPACITY; offset += 4096) {
        write(device, offset, Bytes.filled(4096, 1));
      }
      assertIs(1, read(device, 0, CAPACITY));
      ImageInfo info = lease.snapshot().info().get(0);
      if (info.error() == Errno.OK) {
        assertIs(FILL, image(lease.image("disk"), 0, CAPACITY));
      } else {
        assertEquals(Errno.ENOSPC, info.error());
        assertFalse(info.detail().isBlank());
        assertEquals(Errno.EIO, errno(() -> image(lease.image("disk"), 0, 512)));
      }
    }
    service().take(request("disk")).close();
  }

  @Test
  void textsOfARequestAreBounded() {
    SnapshotRequest request = SnapshotRequest.of("disk");
    String longest = "x".repeat(SnapshotRequest.LONGEST_TEXT);
    assertEquals(longest, request.labelled(longest).label());
    for (String bad : List.of(longest + "x", "two\nlines")) {
      org.junit.jupiter.api.Assertions.assertThrows(
          IllegalArgumentException.class, () -> request.labelled(bad));
    }
  }
}

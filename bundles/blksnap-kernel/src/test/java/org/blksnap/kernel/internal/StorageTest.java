// SPDX-License-Identifier: Apache-2.0
package org.blksnap.kernel.internal;

import static org.blksnap.kernel.internal.MemoryHouse.errno;
import static org.blksnap.kernel.internal.MemoryHouse.filled;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.blksnap.api.block.ByteRange;
import org.blksnap.api.block.Errno;
import org.blksnap.api.event.BlksnapEvent;
import org.blksnap.api.snapshot.AttachRequest;
import org.blksnap.api.snapshot.Snapshot;
import org.blksnap.api.snapshot.SnapshotRequest;
import org.blksnap.kernel.internal.memory.MemoryDisk;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What a snapshot's storage takes, how it grows, and that it is given back. */
class StorageTest {
  private static final Duration SOON = Duration.ofSeconds(10);
  private static final long PORTION = 1 << 20;

  private MemoryHouse house;
  private MemoryDisk disk;
  private Path place;

  @BeforeEach
  void begin() throws IOException {
    house = new MemoryHouse();
    house.kernel.parameter("diff_storage_minimum", PORTION / 512);
    disk = house.disk("disk");
    house.engine().attach(AttachRequest.of(disk.path()).named("disk"));
    place = Files.createDirectory(house.directory.resolve("place"));
  }

  @AfterEach
  void end() throws IOException {
    house.close();
  }

  private Snapshot snapshot() throws IOException {
    return house.engine().create(SnapshotRequest.of("disk"));
  }

  private List<Path> files() throws IOException {
    try (var files = Files.list(place)) {
      return files.sorted().toList();
    }
  }

  @Test
  void aDirectoryGrowsByWhatTheKernelAsksForUpToItsLimit() throws IOException {
    Snapshot snapshot = snapshot();
    snapshot.appendStorageDirectory(place, 3 * PORTION);
    assertEquals(PORTION, house.kernel.storageOf(snapshot.id()));
    snapshot.take();
    for (int offset = 0; offset < MemoryHouse.CAPACITY; offset += 256 << 10) {
      long before = house.kernel.storageOf(snapshot.id());
      house.kernel.write(disk, offset, filled(4096, 1));
      long written = offset + (256 << 10);
      if (written >= before - PORTION / 2 && before < 3 * PORTION) {
        MemoryHouse.until(SOON, "it grows", () -> house.kernel.storageOf(snapshot.id()) > before);
      }
    }
    assertEquals(3 * PORTION, house.kernel.storageOf(snapshot.id()));
    assertEquals(3, files().size());
    assertEquals(3, house.host.immutable().size());
    assertEquals(3 * PORTION, snapshot.storage().limitBytes());
    BlksnapEvent.OfSnapshot event = snapshot.waitEvent(SOON);
    assertInstanceOf(BlksnapEvent.LowFreeSpace.class, event);
    assertEquals(Errno.ENOSPC, snapshot.info().get(0).error());
    assertTrue(snapshot.storage().overflown());
    snapshot.destroy();
    assertEquals(List.of(), files());
    assertEquals(0, house.host.immutable().size());
  }

  @Test
  void aFileSystemWithLittleRoomGivesWhatItHas() throws IOException {
    house.kernel.parameter("diff_storage_minimum", 8 * PORTION / 512);
    house.host.room = 3 * PORTION;
    Snapshot snapshot = snapshot();
    snapshot.appendStorageDirectory(place, 16 * PORTION);
    MemoryHouse.until(
        SOON, "all is given", () -> house.kernel.storageOf(snapshot.id()) == 3 * PORTION);
    MemoryHouse.until(SOON, "nothing else is left", () -> files().size() == 2);
  }

  @Test
  void aFileSystemThatMovesItsBlocksIsRefusedAndNothingIsLeft() throws IOException {
    Snapshot snapshot = snapshot();
    for (String type : List.of("btrfs", "tmpfs", "overlay", "nfs4", "f2fs")) {
      house.host.fileSystem = type;
      assertEquals(
          Errno.EOPNOTSUPP, errno(() -> snapshot.appendStorageDirectory(place, PORTION)), type);
    }
    house.host.fileSystem = "xfs";
    house.host.room = 0;
    assertEquals(Errno.ENOSPC, errno(() -> snapshot.appendStorageDirectory(place, PORTION)));
    assertEquals(List.of(), files());
    assertEquals(0, house.host.immutable().size());
    assertEquals(0, snapshot.storage().limitBytes());
    house.host.room = PORTION;
    snapshot.appendStorageDirectory(place, PORTION);
    assertEquals(Errno.EINVAL, errno(() -> snapshot.appendStorageDirectory(place, PORTION)));
  }

  @Test
  void whatIsNoDirectoryIsRefused() throws IOException {
    Snapshot snapshot = snapshot();
    Path file = Files.createFile(place.resolve("file"));
    assertEquals(Errno.ENOTDIR, errno(() -> snapshot.appendStorageDirectory(file, PORTION)));
    assertEquals(
        Errno.ENOENT, errno(() -> snapshot.appendStorageDirectory(place.resolve("none"), PORTION)));
    assertEquals(Errno.EINVAL, errno(() -> snapshot.appendStorageDirectory(place, 511)));
    assertEquals(Errno.EOPNOTSUPP, errno(() -> snapshot.appendStorageMemory(PORTION)));
  }

  @Test
  void rangesAreInTheDeviceAlignedAndGivenOnce() throws IOException {
    MemoryDisk storage = house.disk("storage");
    Snapshot snapshot = snapshot();
    for (ByteRange bad :
        List.of(
            new ByteRange(1, 512),
            new ByteRange(0, 0),
            new ByteRange(0, 513),
            new ByteRange(MemoryHouse.CAPACITY, 512))) {
      assertEquals(Errno.EINVAL, errno(() -> snapshot.appendStorage(storage.path(), List.of(bad))));
    }
    snapshot.appendStorage(storage.path(), List.of(new ByteRange(0, 4096)));
    assertEquals(
        Errno.EINVAL,
        errno(() -> snapshot.appendStorage(storage.path(), List.of(new ByteRange(512, 512)))));
    assertEquals(4096, house.kernel.storageOf(snapshot.id()));
    assertEquals(4096, snapshot.storage().capacityBytes());
  }

  @Test
  void anAttachedDeviceIsNoStorageButForRangesOfOnesOwn() throws IOException {
    MemoryDisk other = house.disk("other");
    house.engine().attach(AttachRequest.of(other.path()).named("other"));
    Snapshot snapshot = snapshot();
    assertEquals(Errno.EINVAL, errno(() -> snapshot.appendStorage(disk.path(), List.of())));
    assertEquals(
        Errno.EINVAL,
        errno(() -> snapshot.appendStorage(other.path(), List.of(new ByteRange(0, 4096)))));
    snapshot.appendStorage(disk.path(), List.of(new ByteRange(0, 1 << 20)));
    assertEquals(1 << 20, snapshot.storage().capacityBytes());
  }

  @Test
  void aDeviceThatIsStorageIsNotAttached() throws IOException {
    MemoryDisk storage = house.disk("storage");
    Snapshot snapshot = snapshot();
    snapshot.appendStorage(storage.path(), List.of());
    assertEquals(Errno.EBUSY, errno(() -> house.engine().attach(AttachRequest.of(storage.path()))));
    snapshot.destroy();
    house.engine().attach(AttachRequest.of(storage.path()));
  }
}

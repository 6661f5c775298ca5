// SPDX-License-Identifier: Apache-2.0
package org.blksnap.kernel.internal;

import static org.blksnap.kernel.internal.MemoryHouse.errno;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.ByteRange;
import org.blksnap.api.block.Errno;
import org.blksnap.api.snapshot.AttachRequest;
import org.blksnap.api.snapshot.Snapshot;
import org.blksnap.api.snapshot.SnapshotRequest;
import org.blksnap.kernel.internal.memory.MemoryDisk;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What is lent to the kernel is nobody else's, as long as the kernel may have it. */
class LentStorageTest {
  private static final Duration SOON = Duration.ofSeconds(10);
  private static final long PORTION = 1 << 20;

  private MemoryHouse house;
  private MemoryDisk disk;
  private MemoryDisk storage;
  private Path place;

  @BeforeEach
  void begin() throws IOException {
    house = new MemoryHouse();
    house.kernel.parameter("diff_storage_minimum", PORTION / 512);
    disk = house.disk("disk");
    storage = house.disk("storage");
    house.engine().attach(AttachRequest.of(disk.path()).named("disk").persistent(true));
    place = Files.createDirectory(house.directory.resolve("place"));
  }

  @AfterEach
  void end() throws IOException {
    house.host.stuck = false;
    house.close();
  }

  private Snapshot snapshot() throws IOException {
    return house.engine().create(SnapshotRequest.of("disk"));
  }

  private Path file(String name) throws IOException {
    return Files.write(house.directory.resolve(name), new byte[1 << 20]);
  }

  private List<Path> files() throws IOException {
    try (var files = Files.list(place)) {
      return files.sorted().toList();
    }
  }

  @Test
  void aLentFileIsOpenFromTheGiftToTheReturnAndAgainAtTheSuccessor() throws IOException {
    UUID id = snapshot().id();
    house.engine().snapshot(id).appendStorageDirectory(place, 4 * PORTION);
    house.engine().snapshot(id).appendStorage(file("own"), List.of());
    assertEquals(2, house.host.open.size());
    house.leave();
    assertEquals(0, house.host.open.size());
    house.engine();
    assertEquals(2, house.host.open.size());
    house.engine().destroy(id);
    assertEquals(0, house.host.open.size());
    assertEquals(Set.of(), house.host.immutable());
  }

  @Test
  void aLentDeviceIsHeldExclusivelyOnceForAllItsRangesButNotTheSnapshotsOwn() throws IOException {
    Snapshot one = snapshot();
    one.appendStorage(storage.path(), List.of(new ByteRange(0, 4096)));
    Snapshot other = house.engine().create();
    other.appendStorage(storage.path(), List.of(new ByteRange(4096, 4096)));
    one.appendStorage(disk.path(), List.of(new ByteRange(0, 4096)));
    assertEquals(Set.of(storage.path()), house.host.exclusive);
    one.destroy();
    assertEquals(Set.of(storage.path()), house.host.exclusive);
    house.leave();
    assertEquals(Set.of(), house.host.exclusive);
    house.engine();
    assertEquals(Set.of(storage.path()), house.host.exclusive);
    house.engine().destroy(other.id());
    assertEquals(Set.of(), house.host.exclusive);
  }

  @Test
  void aDeviceThatIsMountedIsRefusedAndNothingStays() throws IOException {
    Snapshot snapshot = snapshot();
    house.host.exclusive.add(storage.path());
    assertEquals(Errno.EBUSY, errno(() -> snapshot.appendStorage(storage.path(), List.of())));
    house.host.exclusive.clear();
    snapshot.appendStorage(storage.path(), List.of());
    assertEquals(MemoryHouse.CAPACITY, snapshot.storage().capacityBytes());
  }

  @Test
  void aFileThatAProcessHasOpenForWritingIsRefusedByTheNameOfIt() throws Exception {
    Path file = file("own");
    Process user =
        new ProcessBuilder("sleep", "60")
            .redirectOutput(ProcessBuilder.Redirect.appendTo(file.toFile()))
            .start();
    try {
      Snapshot snapshot = snapshot();
      BlksnapException refused =
          assertThrows(BlksnapException.class, () -> snapshot.appendStorage(file, List.of()));
      assertEquals(Errno.EBUSY, refused.errno());
      assertTrue(refused.getMessage().contains("" + user.pid()), refused.getMessage());
      assertEquals(Set.of(), house.host.immutable());
      assertEquals(0, house.host.open.size());
    } finally {
      user.destroyForcibly().waitFor();
    }
  }

  @Test
  void aFileThatIsLockedIsRefusedAndStaysAsItWas() throws IOException {
    Path file = file("own");
    house.host.locked.add(file);
    Snapshot snapshot = snapshot();
    assertEquals(Errno.EBUSY, errno(() -> snapshot.appendStorage(file, List.of())));
    assertEquals(Set.of(), house.host.immutable());
    house.host.locked.clear();
    snapshot.appendStorage(file, List.of());
  }

  @Test
  void aFileIsGivenOnceByWhicheverNameAndStaysProtected() throws IOException {
    Path file = file("own");
    Path link = Files.createLink(house.directory.resolve("link"), file);
    Snapshot one = snapshot();
    Snapshot other = house.engine().create();
    one.appendStorage(file, List.of());
    for (Path name : List.of(file, link)) {
      BlksnapException refused =
          assertThrows(BlksnapException.class, () -> other.appendStorage(name, List.of()));
      assertEquals(Errno.EINVAL, refused.errno());
      assertTrue(refused.getMessage().contains(one.id().toString()), refused.getMessage());
    }
    assertEquals(Set.of(file), house.host.immutable());
    one.destroy();
    other.appendStorage(link, List.of());
  }

  @Test
  void ofTwoSnapshotsThatAreGivenTheSameAtOnceOneIsRefused() throws Exception {
    ExecutorService threads = Executors.newFixedThreadPool(2);
    try {
      for (int round = 0; round < 50; round++) {
        Path file = file("own" + round);
        Path given = round % 2 == 0 ? storage.path() : file;
        List<Snapshot> snapshots = List.of(house.engine().create(), house.engine().create());
        CyclicBarrier together = new CyclicBarrier(2);
        List<Future<Boolean>> outcomes =
            snapshots.stream()
                .map(
                    snapshot ->
                        threads.submit(
                            () -> {
                              together.await();
                              try {
                                snapshot.appendStorage(given, List.of());
                                return true;
                              } catch (BlksnapException e) {
                                return false;
                              }
                            }))
                .toList();
        int done = 0;
        for (Future<Boolean> outcome : outcomes) {
          done += outcome.get() ? 1 : 0;
        }
        assertEquals(1, done, "round " + round);
        assertEquals(round % 2 == 0 ? 0 : 1, house.host.immutable().size());
        for (Snapshot snapshot : snapshots) {
          snapshot.destroy();
        }
      }
    } finally {
      threads.shutdownNow();
    }
  }

  @Test
  void aDiskAndItsPartitionAreNotStorageAndDeviceAtOnce() throws IOException {
    MemoryDisk part = house.disk("part");
    house.host.partition(part, storage);
    house.engine().attach(AttachRequest.of(part.path()).named("part"));
    Snapshot snapshot = snapshot();
    assertEquals(Errno.EINVAL, errno(() -> snapshot.appendStorage(storage.path(), List.of())));
    house.engine().detach("part");
    snapshot.appendStorage(storage.path(), List.of());
    assertEquals(Errno.EBUSY, errno(() -> house.engine().attach(AttachRequest.of(part.path()))));
    assertEquals(Errno.EINVAL, errno(() -> snapshot.appendStorage(part.path(), List.of())));
  }

  @Test
  void aSnapshotThatTheKernelHasIsTakenOverWhateverTheModuleIsCalled() throws IOException {
    UUID id = snapshot().id();
    house.engine().snapshot(id).appendStorageDirectory(place, PORTION);
    house.leave();
    house.kernel.name("renamed");
    assertEquals("", house.engine().snapshot(id).label());
    assertEquals(List.of("disk"), house.engine().snapshot(id).devices());
    assertEquals(1, house.host.immutable().size());
  }

  @Test
  void storageThatAnotherModuleMayHaveIsNotReleased() throws IOException {
    UUID id = snapshot().id();
    house.engine().snapshot(id).appendStorageDirectory(place, PORTION);
    house.leave();
    house.kernel.unload();
    house.kernel.load();
    house.kernel.name("another");
    assertEquals(List.of(), house.engine().collect());
    assertEquals(1, house.host.immutable().size());
    assertEquals(1, house.host.open.size());
    assertTrue(house.engine().storageTroubles().get(0).contains("another"));
    house.leave();
    house.kernel.boot();
    house.engine();
    assertEquals(Set.of(), house.host.immutable());
    assertEquals(List.of(), files());
  }

  @Test
  void storageOfASnapshotWhoseRecordIsDamagedStaysClaimedUntilItIsDestroyed() throws IOException {
    UUID id = snapshot().id();
    house.engine().snapshot(id).appendStorage(storage.path(), List.of());
    house.engine().snapshot(id).appendStorageDirectory(place, PORTION);
    house.leave();
    Path records = house.directory.resolve("state/kernel/snapshots").resolve(id.toString());
    Files.writeString(records.resolve("snapshot.record"), "damaged");
    Snapshot other = house.engine().create();
    assertEquals(Errno.EINVAL, errno(() -> other.appendStorage(storage.path(), List.of())));
    assertEquals(Errno.EBUSY, errno(() -> house.engine().attach(AttachRequest.of(storage.path()))));
    assertEquals(2, house.host.open.size());
    assertTrue(house.engine().storageTroubles().get(0).contains(id.toString()));
    house.engine().destroy(id);
    other.appendStorage(storage.path(), List.of());
    assertEquals(List.of(), files());
    assertEquals(List.of(), house.engine().storageTroubles());
  }

  @Test
  void whatCannotBeGivenBackIsTriedAgainAlsoByASuccessor() throws IOException {
    Path file = file("own");
    Snapshot snapshot = snapshot();
    snapshot.appendStorage(file, List.of());
    house.host.stuck = true;
    snapshot.destroy();
    assertEquals(Set.of(file), house.host.immutable());
    assertEquals(1, house.engine().storageTroubles().size());
    house.leave();
    house.engine();
    assertEquals(Set.of(file), house.host.immutable());
    house.host.stuck = false;
    house.engine().tick();
    assertEquals(Set.of(), house.host.immutable());
    assertEquals(List.of(), house.engine().storageTroubles());
    snapshot().appendStorage(file, List.of());
  }

  @Test
  void aNameThatIsTakenIsPassedOver() throws IOException {
    Snapshot snapshot = snapshot();
    Path taken = Files.createFile(place.resolve("blksnap-" + snapshot.id() + "-0"));
    snapshot.appendStorageDirectory(place, PORTION);
    assertEquals(2, files().size());
    assertEquals(PORTION, house.kernel.storageOf(snapshot.id()));
    assertTrue(Files.exists(taken));
    snapshot.destroy();
    assertEquals(List.of(), files());
  }

  @Test
  void afterAnEndInOrderNothingMoreIsGivenAndAfterAKillOnePortion() throws IOException {
    UUID id = snapshot().id();
    house.engine().snapshot(id).appendStorageDirectory(place, 8 * PORTION);
    house.leave();
    house.engine();
    assertEquals(PORTION, house.kernel.storageOf(id));
    house.leave();
    Killed.before(house.directory, id, record -> record);
    house.engine();
    assertEquals(2 * PORTION, house.kernel.storageOf(id));
    house.leave();
    house.engine();
    assertEquals(2 * PORTION, house.kernel.storageOf(id));
  }

  @Test
  void aDirectoryThatIsFullAtTheMomentIsTriedAgain() throws IOException {
    Snapshot snapshot = snapshot();
    snapshot.appendStorageDirectory(place, 8 * PORTION);
    snapshot.take();
    house.host.room = 0;
    house.kernel.write(disk, 0, MemoryHouse.filled(768 << 10, 1));
    MemoryHouse.until(
        SOON, "the request is heard", () -> snapshot.storage().requestedBytes() == 2 * PORTION);
    assertEquals(PORTION, house.kernel.storageOf(snapshot.id()));
    house.host.room = Long.MAX_VALUE;
    MemoryHouse.until(SOON, "it grows", () -> house.kernel.storageOf(snapshot.id()) == 2 * PORTION);
  }

  @Test
  void anEngineThatHasStoppedWritesNothingOverItsSuccessorsRecord() throws IOException {
    Snapshot old = snapshot();
    UUID id = old.id();
    KernelEngine before = house.engine();
    old.appendStorageDirectory(place, PORTION);
    house.leave();
    house.engine().snapshot(id).appendStorage(storage.path(), List.of());
    Path record = house.directory.resolve("state/kernel/snapshots/" + id).resolve("storage.record");
    String successors = Files.readString(record);
    assertEquals(Errno.ESHUTDOWN, errno(() -> old.appendStorage(storage.path(), List.of())));
    before.tick();
    assertEquals(successors, Files.readString(record));
  }
}

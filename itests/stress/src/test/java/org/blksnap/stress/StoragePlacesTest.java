// SPDX-License-Identifier: Apache-2.0
package org.blksnap.stress;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.ByteRange;
import org.blksnap.api.block.Errno;
import org.blksnap.api.snapshot.AttachRequest;
import org.blksnap.api.snapshot.Snapshot;
import org.blksnap.contract.LoopDevice;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

/** Storage is never what a device is, and no device what storage is. */
class StoragePlacesTest {
  private static final int SIZE = 1 << 20;

  @TempDir Path directory;
  private EngineSubject subject;
  private Path live;
  private Path other;
  private Path free;
  private Snapshot snapshot;

  @BeforeEach
  void start() throws IOException {
    subject = new EngineSubject(directory.resolve("engine"));
    live = file("live");
    other = file("other");
    free = file("free");
    attach(live, "live");
    attach(other, "other");
    snapshot = subject.service().create();
    snapshot.addDevice("live");
  }

  @AfterEach
  void stop() throws IOException {
    subject.close();
  }

  private Path file(String name) throws IOException {
    byte[] content = new byte[SIZE];
    Arrays.fill(content, (byte) 0x5a);
    return Files.write(subject.directory().resolve(name), content);
  }

  private void attach(Path path, String name) throws BlksnapException {
    subject.service().attach(AttachRequest.of(path).named(name));
  }

  private static void refused(Errno errno, String word, Executable call) {
    BlksnapException refusal = assertThrows(BlksnapException.class, call);
    assertEquals(errno, refusal.errno(), refusal::getMessage);
    assertTrue(refusal.getMessage().contains(word), refusal::getMessage);
  }

  @Test
  void theSnapshottedDeviceIsNoStorage() {
    refused(Errno.EINVAL, "live", () -> snapshot.appendStorage(live, List.of()));
  }

  @Test
  void aLinkToTheSnapshottedDeviceIsNoStorage() throws IOException {
    Path symbolic = Files.createSymbolicLink(directory.resolve("symbolic"), live);
    Path hard = Files.createLink(subject.directory().resolve("hard"), live);
    refused(Errno.EINVAL, "live", () -> snapshot.appendStorage(symbolic, List.of()));
    refused(Errno.EINVAL, "live", () -> snapshot.appendStorage(hard, List.of()));
  }

  @Test
  void anotherAttachedDeviceIsNoStorage() {
    refused(Errno.EINVAL, "other", () -> snapshot.appendStorage(other, List.of()));
  }

  @Test
  void rangesOfADeviceOutsideTheSnapshotAreNoStorage() {
    List<ByteRange> half = List.of(new ByteRange(0, SIZE / 2));
    refused(Errno.EINVAL, "other", () -> snapshot.appendStorage(other, half));
  }

  @Test
  void rangesOfTheSnapshottedDeviceMayBeNamed() throws IOException {
    snapshot.appendStorage(live, List.of(new ByteRange(SIZE / 2, SIZE / 2)));
    snapshot.take();
    subject.service().device("live").orElseThrow().write(ByteBuffer.allocate(4096), 0);
    byte[] old = new byte[4096];
    snapshot.images().get(0).read(ByteBuffer.wrap(old), 0);
    byte[] wanted = new byte[4096];
    Arrays.fill(wanted, (byte) 0x5a);
    assertArrayEquals(wanted, old);
  }

  @Test
  void storageOnTheSnapshottedDeviceComesBackAfterARestart() throws Exception {
    snapshot.appendStorage(live, List.of(new ByteRange(SIZE / 2, SIZE / 2)));
    snapshot.take();
    subject.restart(() -> {});
    assertEquals(Errno.OK, subject.service().images().get(0).error());
  }

  @Test
  void storageIsNotAttached() throws IOException {
    snapshot.appendStorage(free, List.of());
    Path link = Files.createSymbolicLink(directory.resolve("link"), free);
    refused(Errno.EBUSY, "storage", () -> attach(free, "free"));
    refused(Errno.EBUSY, "storage", () -> attach(link, "free"));
  }

  @Test
  void storageIsNotAttachedAfterARestart() throws Exception {
    snapshot.appendStorage(free, List.of());
    subject.restart(() -> {});
    refused(Errno.EBUSY, "storage", () -> attach(free, "free"));
    subject.restartAsKilled();
    refused(Errno.EBUSY, "storage", () -> attach(free, "free"));
  }

  @Test
  void aFileTheStorageMadeIsNotAttached() throws IOException {
    Path grow = Files.createDirectory(subject.directory().resolve("grow"));
    snapshot.appendStorageDirectory(grow, SIZE);
    Path made;
    try (var files = Files.list(grow)) {
      made = files.findFirst().orElseThrow();
    }
    refused(Errno.EBUSY, "storage", () -> attach(made, "made"));
  }

  @Test
  void whatWasStorageIsAttachedOnceTheSnapshotIsGone() throws IOException {
    snapshot.appendStorage(free, List.of());
    snapshot.destroy();
    attach(free, "free");
  }

  @Test
  void whatWasRefusedAsStorageIsAttached() throws IOException {
    List<ByteRange> outside = List.of(new ByteRange(0, 2L * SIZE));
    assertThrows(BlksnapException.class, () -> snapshot.appendStorage(free, outside));
    attach(free, "free");
  }

  @Test
  void aFileUnderAnAttachedLoopDeviceIsNoStorage() throws Exception {
    try (LoopDevice loop = new LoopDevice(free)) {
      attach(loop.device, "loop");
      refused(Errno.EINVAL, "loop", () -> snapshot.appendStorage(free, List.of()));
      refused(Errno.EALREADY, "loop", () -> attach(free, "free"));
      subject.service().detach("loop");
    }
  }

  @Test
  void anAttachedLoopDeviceIsNoStorage() throws Exception {
    try (LoopDevice loop = new LoopDevice(free)) {
      attach(loop.device, "loop");
      Path link = Files.createSymbolicLink(directory.resolve("link"), loop.device);
      refused(Errno.EINVAL, "loop", () -> snapshot.appendStorage(loop.device, List.of()));
      refused(Errno.EINVAL, "loop", () -> snapshot.appendStorage(link, List.of()));
      subject.service().detach("loop");
    }
  }

  @Test
  void aLoopDeviceOverAnAttachedFileIsNeitherStorageNorAttached() throws Exception {
    try (LoopDevice loop = new LoopDevice(other)) {
      refused(Errno.EINVAL, "other", () -> snapshot.appendStorage(loop.device, List.of()));
      refused(Errno.EALREADY, "other", () -> attach(loop.device, "loop"));
    }
  }

  @Test
  void theFileUnderALoopDeviceThatIsStorageIsNotAttachedNotEvenByForce() throws Exception {
    try (LoopDevice loop = new LoopDevice(free)) {
      snapshot.appendStorage(loop.device, List.of());
      for (boolean force : new boolean[] {false, true}) {
        AttachRequest request =
            AttachRequest.of(free).named("under").force(force).persistent(false);
        refused(Errno.EBUSY, "storage", () -> subject.service().attach(request));
      }
      snapshot.destroy();
    }
  }

  @Test
  void aLoopDeviceOverStorageIsNotAttached() throws Exception {
    snapshot.appendStorage(free, List.of());
    try (LoopDevice loop = new LoopDevice(free)) {
      refused(Errno.EBUSY, "storage", () -> attach(loop.device, "loop"));
    }
  }

  @Test
  void aRefusedSecondAttachKeepsTheLockOfTheFirst() throws Exception {
    String inode = ":" + Files.getAttribute(live, "unix:ino") + " ";
    refused(Errno.EALREADY, "live", () -> attach(live, "again"));
    refused(
        Errno.EALREADY,
        "live",
        () ->
            subject
                .service()
                .attach(AttachRequest.of(live).named("reader").readOnly(true).persistent(false)));
    refused(Errno.EINVAL, "live", () -> snapshot.appendStorage(live, List.of()));
    assertTrue(Files.readString(Path.of("/proc/locks")).contains(inode), "the lock is gone");
  }
}

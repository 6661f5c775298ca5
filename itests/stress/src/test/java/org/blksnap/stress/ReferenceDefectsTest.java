// SPDX-License-Identifier: Apache-2.0
package org.blksnap.stress;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.snapshot.AttachRequest;
import org.blksnap.api.snapshot.AttachedDevice;
import org.blksnap.api.snapshot.Snapshot;
import org.blksnap.api.snapshot.SnapshotImage;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Defects of the seed that a whole engine could repeat (reference, section 7). Those of one part
 * are tested there: 2, 3 and the map's side of 7 with the tracker, 6 with the event queue. 1, 4 and
 * 9 are of the ioctl interface, which this engine does not have.
 */
class ReferenceDefectsTest {
  private static final int SIZE = 1 << 20;

  @TempDir Path directory;
  private EngineSubject subject;

  @BeforeEach
  void start() throws IOException {
    subject = new EngineSubject(directory.resolve("engine"));
    Path file = subject.directory().resolve("dev");
    Files.write(file, new byte[SIZE]);
    subject.service().attach(AttachRequest.of(file).named("dev"));
  }

  @AfterEach
  void stop() throws IOException {
    subject.close();
  }

  private static Errno errnoOf(org.junit.jupiter.api.function.Executable call) {
    return assertThrows(BlksnapException.class, call).errno();
  }

  private AttachedDevice device() {
    return subject.service().device("dev").orElseThrow();
  }

  @Test
  void defect5ADeviceAddedTwiceOrToTwoSnapshotsIsRefused() throws Exception {
    Snapshot first = subject.service().create();
    Snapshot second = subject.service().create();
    first.addDevice("dev");
    assertEquals(Errno.EALREADY, errnoOf(() -> first.addDevice("dev")));
    assertEquals(Errno.EBUSY, errnoOf(() -> second.addDevice("dev")));
    assertEquals(List.of("dev"), first.devices());
    assertTrue(second.devices().isEmpty());
  }

  @Test
  void defect7AFailedTakeLeavesNothingHeldAndNoImage() throws Exception {
    Snapshot snapshot = subject.service().create();
    snapshot.addDevice("dev");
    assertEquals(Errno.EFAULT, errnoOf(snapshot::take));
    Path inTheWay = subject.directory().resolve("storage");
    Files.write(inTheWay, new byte[SIZE]);
    snapshot.appendStorage(inTheWay, List.of());
    subject.plan().fail("Tracker.prepareTake", 0, Errno.EIO);
    assertEquals(Errno.EIO, errnoOf(snapshot::take));
    device().write(ByteBuffer.allocate(4096), 0);
    assertTrue(subject.service().images().isEmpty());
    assertEquals(0, device().changes().info().changesNumber());
    snapshot.take();
    assertEquals(1, device().changes().info().changesNumber());
  }

  @Test
  void defect8CollectIsRightForNoneAndForSome() throws Exception {
    assertTrue(subject.service().collect().isEmpty());
    Snapshot one = subject.service().create();
    Snapshot two = subject.service().create();
    assertEquals(List.of(one.id(), two.id()), subject.service().collect());
    one.destroy();
    assertEquals(List.of(two.id()), subject.service().collect());
  }

  @Test
  void defect10AStopReleasesSnapshotsBeforeWhatTheyUse() throws Exception {
    Snapshot snapshot = subject.service().create();
    snapshot.addDevice("dev");
    Path storage = subject.directory().resolve("storage");
    Files.write(storage, new byte[SIZE]);
    snapshot.appendStorage(storage, List.of());
    snapshot.take();
    SnapshotImage image = snapshot.images().get(0);
    device().write(ByteBuffer.wrap(new byte[] {1, 2, 3}), 0);
    subject.restart(() -> {});
    assertFalse(subject.service().images().isEmpty());
    assertThrows(BlksnapException.class, () -> image.read(ByteBuffer.allocate(3), 0));
    ByteBuffer old = ByteBuffer.allocate(3);
    subject.service().images().get(0).read(old, 0);
    assertEquals(ByteBuffer.wrap(new byte[3]), old.flip());
  }
}

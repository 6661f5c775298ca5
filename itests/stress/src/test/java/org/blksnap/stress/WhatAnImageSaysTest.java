// SPDX-License-Identifier: Apache-2.0
package org.blksnap.stress;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.ByteRange;
import org.blksnap.api.block.Consistency;
import org.blksnap.api.block.Errno;
import org.blksnap.api.change.CbtInfo;
import org.blksnap.api.change.ChangePoint;
import org.blksnap.api.change.ChangeSet;
import org.blksnap.api.change.GenerationReason;
import org.blksnap.api.snapshot.AttachRequest;
import org.blksnap.api.snapshot.AttachedDevice;
import org.blksnap.api.snapshot.Parameter;
import org.blksnap.api.snapshot.Snapshot;
import org.blksnap.api.snapshot.SnapshotImage;
import org.blksnap.api.snapshot.SnapshotParticipant;
import org.blksnap.api.snapshot.TakeResult;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** An image's changes are those of its own take, and a snapshot says what it begins with. */
@Timeout(120)
class WhatAnImageSaysTest {
  private static final int SIZE = 4 << 20;
  private static final int BLOCK = 64 << 10;

  @TempDir Path directory;
  private EngineSubject subject;
  private Path file;
  private CbtInfo full;

  @BeforeEach
  void start() throws IOException {
    subject = new EngineSubject(directory.resolve("engine"));
    file = Files.write(subject.directory().resolve("dev"), new byte[SIZE]);
    subject.service().attach(AttachRequest.of(file).named("dev"));
    full = device().changes().info();
  }

  @AfterEach
  void stop() throws IOException {
    subject.close();
  }

  private AttachedDevice device() {
    return subject.service().device("dev").orElseThrow();
  }

  private void write(int offset) throws IOException {
    device().write(ByteBuffer.wrap(new byte[4096]), offset);
  }

  private Snapshot made() throws IOException {
    Snapshot snapshot = subject.service().create();
    snapshot.addDevice("dev");
    snapshot.appendStorageDirectory(Files.createDirectories(directory.resolve("diff")), 64 << 20);
    return snapshot;
  }

  private Snapshot taken() throws IOException {
    Snapshot snapshot = made();
    snapshot.take();
    return snapshot;
  }

  private void resize(long bytes) throws IOException {
    try (RandomAccessFile resized = new RandomAccessFile(file.toFile(), "rw")) {
      resized.setLength(bytes);
    }
    device().rescan();
    assertEquals(bytes, device().capacity());
  }

  private static byte[] map(SnapshotImage image) throws IOException {
    ByteBuffer all = ByteBuffer.allocate(1 << 16);
    image.changes().read(0, all);
    byte[] bytes = new byte[all.flip().remaining()];
    all.get(bytes);
    return bytes;
  }

  @Test
  void changesAfterTheTakeAreNotOfTheImage() throws Exception {
    write(BLOCK);
    SnapshotImage image = taken().images().get(0);
    write(5 * BLOCK);
    ChangeSet since = image.changes().changedSince(full.point());
    assertFalse(since.full());
    assertEquals(List.of(new ByteRange(BLOCK, BLOCK)), since.extents(0, Integer.MAX_VALUE));
    assertEquals(1, image.changes().info().changesNumber());
  }

  @Test
  void aGrownDeviceAddsNothingToAnImagesChanges() throws Exception {
    write(BLOCK);
    SnapshotImage image = taken().images().get(0);
    CbtInfo own = image.changes().info();
    resize(SIZE + (SIZE / 2));
    write(SIZE);
    ChangeSet since = image.changes().changedSince(full.point());
    assertTrue(since.full(), "nobody can say any more what had changed");
    assertTrue(since.fullReason().contains("after this image was taken"), since.fullReason());
    assertEquals(List.of(new ByteRange(0, SIZE)), since.extents(0, Integer.MAX_VALUE));
    assertEquals(own, image.changes().info());
    assertEquals(own.generationId(), since.point().generation());
    byte[] map = map(image);
    assertEquals(SIZE / BLOCK, map.length);
    for (byte number : map) {
      assertEquals(own.changesNumber(), number);
    }
  }

  @Test
  void whatAConsumerKeepsOfSuchAnImageMakesTheNextBackupAFullOne() throws Exception {
    Snapshot first = taken();
    SnapshotImage image = first.images().get(0);
    resize(SIZE + BLOCK);
    ChangeSet kept = image.changes().changedSince(full.point());
    first.destroy();
    ChangeSet next = taken().images().get(0).changes().changedSince(kept.point());
    assertTrue(next.full());
    assertEquals(List.of(new ByteRange(0, SIZE + BLOCK)), next.extents(0, Integer.MAX_VALUE));
  }

  @Test
  void theImagesMapIsTheSameAfterARestart() throws Exception {
    write(BLOCK);
    Snapshot snapshot = taken();
    CbtInfo own = snapshot.images().get(0).changes().info();
    byte[] map = map(snapshot.images().get(0));
    for (int i = 0; i < 2; i++) {
      subject.restart(() -> {});
      SnapshotImage image = subject.service().snapshot(snapshot.id()).images().get(0);
      assertEquals(own, image.changes().info());
      assertArrayEquals(map, map(image));
    }
    subject.restartAsKilled();
    SnapshotImage image = subject.service().snapshot(snapshot.id()).images().get(0);
    assertEquals(own, image.changes().info());
    assertArrayEquals(map, map(image));
  }

  @Test
  void aRegularFileThatNobodyFrozeIsCrashConsistentAndSaysWhy() throws Exception {
    Snapshot snapshot = made();
    assertEquals(Optional.empty(), snapshot.consistency());
    TakeResult result = snapshot.take();
    assertEquals(Consistency.CRASH, result.consistency());
    assertTrue(result.crashConsistent());
    assertEquals(List.of(), result.warnings());
    assertTrue(result.reasons().toString().contains("nothing was frozen"), result::toString);
    subject.restart(() -> {});
    Snapshot later = subject.service().snapshot(snapshot.id());
    assertEquals(Optional.of(Consistency.CRASH), later.consistency());
    assertEquals(result.reasons(), later.consistencyReasons());
  }

  /** A participant in good order. */
  private static class Database implements SnapshotParticipant {
    @Override
    public String participantName() {
      return "database";
    }

    @Override
    public Duration deadline() {
      return Duration.ofSeconds(20);
    }

    @Override
    public void beforeTake(UUID snapshot, List<String> devices) throws Exception {}

    @Override
    public void afterTake(UUID snapshot, List<String> devices, boolean taken) {}
  }

  @Test
  void participantsThatHeldStillMakeItApplicationConsistent() throws Exception {
    subject.participants().add(new Database());
    TakeResult result = made().take();
    assertEquals(Consistency.APPLICATION, result.consistency());
    assertTrue(result.reasons().contains("held still: database"), result::toString);
  }

  @Test
  void oneParticipantThatFailsTakesThatAway() throws Exception {
    subject.participants().add(new Database());
    subject
        .participants()
        .add(
            new Database() {
              @Override
              public void beforeTake(UUID snapshot, List<String> devices) throws Exception {
                throw new IllegalStateException("no");
              }
            });
    TakeResult result = made().take();
    assertEquals(Consistency.CRASH, result.consistency());
    assertEquals(1, result.warnings().size());
    assertTrue(result.reasons().containsAll(result.warnings()), result::toString);
  }

  @Test
  void aMapThatIsBegunAnewHasTheBlocksInForce() throws Exception {
    write(BLOCK);
    subject.parameters().set(Parameter.TRACKING_BLOCK_MINIMUM_SHIFT, 12);
    CbtInfo now = device().restartChanges();
    assertEquals(4096, now.blockSize());
    assertEquals(SIZE / 4096, now.blockCount());
    assertEquals(GenerationReason.PARAMETERS_CHANGED, now.reason());
    ChangeSet since = device().changes().changedSince(new ChangePoint(full.generationId(), 0));
    assertTrue(since.full());
    taken().destroy();
    CbtInfo before = device().changes().info();
    write(BLOCK + 4096);
    taken();
    assertEquals(
        List.of(new ByteRange(BLOCK + 4096, 4096)),
        device()
            .changes()
            .changedSince(new ChangePoint(now.generationId(), before.changesNumber()))
            .extents(0, Integer.MAX_VALUE));
    subject.restart(() -> {});
    assertEquals(4096, device().changes().info().blockSize());
  }

  @Test
  void aMapThatASnapshotNeedsIsNotBegunAnew() throws Exception {
    Snapshot snapshot = taken();
    CbtInfo before = device().changes().info();
    BlksnapException refused =
        assertThrows(BlksnapException.class, () -> device().restartChanges());
    assertEquals(Errno.EBUSY, refused.errno());
    assertTrue(refused.getMessage().contains(snapshot.id().toString()), refused::toString);
    assertEquals(before, device().changes().info());
  }
}

// SPDX-License-Identifier: Apache-2.0
package org.blksnap.stress;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import java.util.zip.CRC32C;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.event.BlksnapEvent;
import org.blksnap.api.snapshot.AttachRequest;
import org.blksnap.api.snapshot.AttachedDevice;
import org.blksnap.api.snapshot.Parameter;
import org.blksnap.api.snapshot.Snapshot;
import org.blksnap.api.snapshot.SnapshotImage;
import org.blksnap.testkit.CallPlan;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a kill must not make forgotten. */
class RestartTest {
  private static final int CHUNK = 4096;

  @TempDir Path directory;
  private EngineSubject subject;
  private Snapshot snapshot;

  @BeforeEach
  void start() throws IOException {
    subject = EngineSubject.withHotState(directory.resolve("engine"));
    subject.parameters().set(Parameter.CHUNK_MINIMUM_SHIFT, 12);
    subject.parameters().set(Parameter.DIFF_STORAGE_MINIMUM, 64);
    Path file = subject.directory().resolve("dev");
    byte[] content = new byte[64 * CHUNK];
    Arrays.fill(content, (byte) 1);
    Files.write(file, content);
    subject.service().attach(AttachRequest.of(file).named("dev"));
    snapshot = subject.service().create();
    snapshot.addDevice("dev");
  }

  @AfterEach
  void stop() throws IOException {
    subject.close();
  }

  private Path storage(int chunks) throws IOException {
    return Files.write(subject.directory().resolve("storage"), new byte[chunks * CHUNK]);
  }

  private void write(int chunks) throws IOException {
    AttachedDevice device = subject.service().device("dev").orElseThrow();
    device.write(ByteBuffer.allocate(chunks * CHUNK), 0);
  }

  @Test
  void aLostImageIsLostAfterAKill() throws Exception {
    snapshot.appendStorage(storage(2), List.of());
    snapshot.take();
    SnapshotImage image = snapshot.images().get(0);
    subject.restartAsKilledRightAfter(
        () -> {
          subject.plan().fail("DiffStorage.write", 0, Errno.ENOSPC);
          write(8);
          assertThrows(BlksnapException.class, image::flush);
        });
    SnapshotImage now = subject.service().snapshot(snapshot.id()).images().get(0);
    assertEquals(Errno.ENOSPC, now.error());
    assertThrows(BlksnapException.class, () -> now.read(ByteBuffer.allocate(1), 0));
  }

  /** A directory in the new record's place refuses it as a full file system does. */
  @Test
  void aDestructionThatCouldNotBeNotedIsInTheAreasFileBeforeAWritePassesUnsaved() throws Exception {
    snapshot.appendStorage(storage(16), List.of());
    snapshot.take();
    Files.createDirectory(
        subject.state().resolve("snapshots").resolve(snapshot.id() + "/snapshot.record.new"));
    CallPlan.Held deletion = subject.plan().hold("DiffArea.delete");
    FutureTask<Void> destruction =
        new FutureTask<>(
            () -> {
              snapshot.destroy();
              return null;
            });
    new Thread(destruction).start();
    try {
      deletion.awaitArrival();
      write(1);
      assertNotEquals(0, errnoOf(areaFile()), "a killed engine's successor takes it for whole");
    } finally {
      deletion.release();
    }
    destruction.get(30, TimeUnit.SECONDS);
  }

  private Path areaFile() throws IOException {
    try (Stream<Path> all = Files.walk(subject.memory())) {
      return all.filter(file -> file.endsWith("chunks.map")).findFirst().orElseThrow();
    }
  }

  private static int errnoOf(Path chunks) throws IOException {
    return ByteBuffer.wrap(Files.readAllBytes(chunks))
        .order(java.nio.ByteOrder.LITTLE_ENDIAN)
        .getInt(64);
  }

  /** The store worker waits for a storage that is away; it must not be waited for in turn. */
  @Test
  void aDestructionDoesNotWaitForAStorageBundleThatIsAway() throws Exception {
    subject.waits(Duration.ofSeconds(5), Duration.ofSeconds(60));
    snapshot.appendStorage(storage(16), List.of());
    snapshot.take();
    subject.takeAway("STORAGE");
    write(8);
    long begun = System.nanoTime();
    snapshot.destroy();
    long seconds = TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - begun);
    assertTrue(seconds < 10, "destroyed after " + seconds + " s");
    subject.bringBack("STORAGE");
  }

  private void changeBehindItsBack() throws IOException {
    Path file = subject.directory().resolve("dev");
    Files.write(file, new byte[] {1, 2, 3}, StandardOpenOption.WRITE);
    Files.setLastModifiedTime(file, FileTime.from(Instant.now().plusSeconds(60)));
  }

  /** The kill comes when the map has its new generation, and the record does not say yet why. */
  @Test
  void aChangeSeenByAStartThatWasKilledSpoilsTheImageAtTheNextOne() throws Exception {
    snapshot.appendStorage(storage(16), List.of());
    snapshot.take();
    Path record =
        subject.state().resolve("snapshots").resolve(snapshot.id().toString() + "/snapshot.record");
    byte[] trusting = Files.readAllBytes(record);
    subject.restartAsKilled(this::changeBehindItsBack);
    subject.restartAsKilled(() -> Files.write(record, trusting));
    SnapshotImage image = subject.service().snapshot(snapshot.id()).images().get(0);
    assertEquals(Errno.EIO, image.error());
    assertThrows(BlksnapException.class, () -> image.read(ByteBuffer.allocate(1), 0));
  }

  /** As above, and the record does not say under which generation the image was good. */
  @Test
  void anImageOfUnknownGenerationIsNotTrustedByAStartThatFindsNothingNew() throws Exception {
    snapshot.appendStorage(storage(16), List.of());
    snapshot.take();
    Path record =
        subject.state().resolve("snapshots").resolve(snapshot.id().toString() + "/snapshot.record");
    byte[] silent = withoutGeneration(Files.readString(record));
    subject.restartAsKilled(this::changeBehindItsBack);
    subject.restartAsKilled(() -> Files.write(record, silent));
    assertEquals(Errno.EIO, subject.service().snapshot(snapshot.id()).images().get(0).error());
  }

  private static byte[] withoutGeneration(String record) {
    String body =
        record.replaceAll("(?m)^member\\.0\\.generation=.*\n", "").replaceAll("crc32c=.*\n", "");
    CRC32C crc = new CRC32C();
    crc.update(body.getBytes(StandardCharsets.UTF_8));
    return (body + String.format("crc32c=%08x%n", crc.getValue())).getBytes(StandardCharsets.UTF_8);
  }

  @Test
  void anImageOutlivesAResizeOfItsDeviceAndTwoKills() throws Exception {
    snapshot.appendStorage(storage(16), List.of());
    snapshot.take();
    Path file = subject.directory().resolve("dev");
    Files.write(file, new byte[CHUNK], StandardOpenOption.APPEND);
    subject.service().device("dev").orElseThrow().rescan();
    subject.restartAsKilled();
    subject.restartAsKilled();
    SnapshotImage image = subject.service().snapshot(snapshot.id()).images().get(0);
    assertEquals(Errno.OK, image.error());
    assertEquals(64 * CHUNK, image.geometry().capacity());
  }

  @Test
  void aCreationKilledBeforeItsRecordLeavesNothing() throws Exception {
    Path half = subject.state().resolve("snapshots").resolve(UUID.randomUUID().toString());
    subject.restartAsKilled(
        () -> {
          Files.createDirectories(half);
          Files.write(half.resolve("storage.state"), new byte[1]);
          Files.write(half.resolve("snapshot.record.new"), new byte[1]);
        });
    assertFalse(Files.exists(half));
    assertFalse(Files.exists(half.resolveSibling(half.getFileName() + ".damaged")));
    assertEquals(List.of(snapshot.id()), subject.service().collect());
  }

  /** A directory in the marker's place refuses it as a full file system does. */
  @Test
  void aLostTrackerIsNotForgottenWhereNoMarkerCanBeWritten() throws Exception {
    UUID before = subject.service().device("dev").orElseThrow().changes().info().generationId();
    Path marker = subject.state().resolve("devices/dev/tracker-lost");
    Files.createDirectory(marker);
    subject.loseTracker("dev");
    subject.restartAsKilled(() -> Files.delete(marker));
    assertNotEquals(
        before, subject.service().device("dev").orElseThrow().changes().info().generationId());
  }

  @Test
  void aPortionNotGivenIsAskedForAgainAfterAKill() throws Exception {
    snapshot.appendStorage(storage(4), List.of());
    subject.restartAsKilled();
    BlksnapEvent event =
        subject.service().snapshot(snapshot.id()).waitEvent(Duration.ofSeconds(10));
    assertEquals(32 * 512, ((BlksnapEvent.LowFreeSpace) event).requestedBytes());
  }

  /** The rest is written down in the map's file; a write takes it back before it is made. */
  @Test
  void aDurableFileThatNobodyWritesToComesToRestAndIsStirredByAWrite() throws Exception {
    Path file = Files.write(subject.directory().resolve("calm"), new byte[64 * CHUNK]);
    AttachedDevice device =
        subject.service().attach(AttachRequest.of(file).named("calm").durable(true));
    device.write(ByteBuffer.allocate(CHUNK), 0);
    Path map = subject.state().resolve("devices/calm/cbt.map");
    while (!saysClean(map)) {
      Thread.sleep(50);
    }
    device.write(ByteBuffer.allocate(CHUNK), 0);
    assertFalse(saysClean(map));
  }

  private static boolean saysClean(Path map) throws IOException {
    ByteBuffer bytes =
        ByteBuffer.wrap(Files.readAllBytes(map)).order(java.nio.ByteOrder.LITTLE_ENDIAN);
    int newer = bytes.getLong(16) > bytes.getLong(4096 + 16) ? 0 : 4096;
    return (bytes.get(newer + 64) & 1) != 0;
  }
}

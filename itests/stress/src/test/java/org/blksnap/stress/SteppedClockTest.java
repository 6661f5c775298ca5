// SPDX-License-Identifier: Apache-2.0
package org.blksnap.stress;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.UUID;
import java.util.zip.CRC32C;
import org.blksnap.api.block.Errno;
import org.blksnap.api.change.CbtInfo;
import org.blksnap.api.change.GenerationReason;
import org.blksnap.api.snapshot.AttachRequest;
import org.blksnap.api.snapshot.AttachedDevice;
import org.blksnap.api.snapshot.Snapshot;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The host's clock is stepped between an engine and the one after it. A step is made here by moving
 * every time the first engine wrote down into the other direction: a clock set back leaves times of
 * the future in the files.
 */
@Timeout(60)
class SteppedClockTest {
  private static final int SIZE = 4 << 20;
  private static final int HEADER_SLOT = 4096;
  private static final int SLOT_CHECKSUM = 2044;
  private static final int BEGIN_OF_GENERATION = 48;
  private static final int LAST_WORD_OF_FIRST_PAGE = 4088;

  @TempDir Path directory;
  private EngineSubject subject;
  private Path file;
  private CbtInfo before;
  private UUID snapshot;

  @BeforeEach
  void start() throws IOException {
    subject = new EngineSubject(directory.resolve("engine"));
    file = subject.directory().resolve("dev");
    byte[] old = new byte[SIZE];
    Arrays.fill(old, (byte) 1);
    Files.write(file, old);
    subject.service().attach(AttachRequest.of(file).named("dev"));
    Snapshot taken = subject.service().create();
    taken.addDevice("dev");
    taken.appendStorageDirectory(Files.createDirectories(directory.resolve("diff")), 64 << 20);
    taken.take();
    snapshot = taken.id();
    before = device().changes().info();
  }

  @AfterEach
  void stop() throws IOException {
    subject.close();
  }

  private AttachedDevice device() {
    return subject.service().device("dev").orElseThrow();
  }

  private void stepAfter(Duration step) throws IOException {
    Path map = subject.state().resolve("devices/dev/cbt.map");
    ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(map)).order(ByteOrder.LITTLE_ENDIAN);
    long then = Instant.now().minus(step).toEpochMilli();
    for (int slot = 0; slot <= HEADER_SLOT; slot += HEADER_SLOT) {
      if (bytes.getLong(slot) == 0) {
        continue;
      }
      bytes.putLong(slot + BEGIN_OF_GENERATION, then);
      CRC32C crc = new CRC32C();
      crc.update(bytes.array(), slot, SLOT_CHECKSUM);
      bytes.putInt(slot + SLOT_CHECKSUM, (int) crc.getValue());
    }
    bytes.putLong(LAST_WORD_OF_FIRST_PAGE, then);
    Files.write(map, bytes.array());
  }

  /** Somebody who puts the time of the content back, as restoring programs do. */
  private void writeBehindItsBack() throws IOException {
    FileTime modified = Files.getLastModifiedTime(file);
    Files.write(file, new byte[] {7}, StandardOpenOption.WRITE);
    Files.setLastModifiedTime(file, modified);
  }

  private void assertBegan(GenerationReason reason) throws IOException {
    CbtInfo now = device().changes().info();
    assertNotEquals(before.generationId(), now.generationId());
    assertEquals(reason, now.reason());
  }

  private Errno image() throws IOException {
    return subject.service().snapshot(snapshot).images().get(0).error();
  }

  @ParameterizedTest
  @ValueSource(longs = {-3600, 3600})
  void writesPastALostTrackerBeginAGenerationWhateverTheClockSays(long seconds) throws Exception {
    subject.loseTracker("dev");
    subject.restartAsKilled(() -> stepAfter(Duration.ofSeconds(seconds)));
    assertBegan(GenerationReason.TRACKER_LOST);
    assertEquals(Errno.OK, image());
  }

  @ParameterizedTest
  @ValueSource(longs = {-3600, 3600})
  void aWriteWhileTheConductorIsAwayIsFoundWhateverTheClockSays(long seconds) throws Exception {
    subject.restartToSuccessor(
        () -> {
          stepAfter(Duration.ofSeconds(seconds));
          writeBehindItsBack();
        });
    assertBegan(GenerationReason.CHANGED_WHILE_DETACHED);
    assertEquals(Errno.EIO, image());
  }

  @ParameterizedTest
  @ValueSource(longs = {-3600, 3600})
  void aWriteAfterAKillIsFoundWhateverTheClockSays(long seconds) throws Exception {
    subject.restartAsKilled(
        () -> {
          stepAfter(Duration.ofSeconds(seconds));
          writeBehindItsBack();
        });
    assertBegan(GenerationReason.CHANGED_WHILE_DETACHED);
    assertEquals(Errno.EIO, image());
  }

  @ParameterizedTest
  @ValueSource(longs = {-3600, 3600})
  void aKillAloneKeepsMapAndImageWhateverTheClockSays(long seconds) throws Exception {
    subject.restartAsKilled(() -> stepAfter(Duration.ofSeconds(seconds)));
    assertEquals(before.generationId(), device().changes().info().generationId());
    assertEquals(Errno.OK, image());
  }

  @ParameterizedTest
  @ValueSource(longs = {-3600, 3600})
  void anUpdateOfTheConductorKeepsMapAndImageWhateverTheClockSays(long seconds) throws Exception {
    subject.restartToSuccessor(() -> stepAfter(Duration.ofSeconds(seconds)));
    assertEquals(before.generationId(), device().changes().info().generationId());
    assertEquals(Errno.OK, image());
  }

  @ParameterizedTest
  @ValueSource(longs = {-3600, 3600})
  void aWriteWhileTheEngineIsStoppedIsFoundWhateverTheClockSays(long seconds) throws Exception {
    subject.restart(
        () -> {
          stepAfter(Duration.ofSeconds(seconds));
          writeBehindItsBack();
        });
    assertBegan(GenerationReason.CHANGED_WHILE_DETACHED);
    assertEquals(Errno.EIO, image());
  }

  @ParameterizedTest
  @ValueSource(longs = {-3600, 3600})
  void aStopAloneKeepsMapAndImageWhateverTheClockSays(long seconds) throws Exception {
    subject.restart(() -> stepAfter(Duration.ofSeconds(seconds)));
    assertEquals(before.generationId(), device().changes().info().generationId());
    assertEquals(Errno.OK, image());
  }

  @ParameterizedTest
  @ValueSource(longs = {-3600, 3600})
  void aWriteWhileDetachedIsFoundWhateverTheClockSays(long seconds) throws Exception {
    subject.service().destroy(snapshot);
    subject.service().detach("dev");
    stepAfter(Duration.ofSeconds(seconds));
    writeBehindItsBack();
    subject.service().attach(AttachRequest.of(file).named("dev"));
    assertBegan(GenerationReason.CHANGED_WHILE_DETACHED);
  }

  @Test
  void aWriteDuringASwapOfTheDeviceBundleIsFound() throws Exception {
    subject.swapDevices(this::writeBehindItsBack);
    assertBegan(GenerationReason.CHANGED_WHILE_DETACHED);
    assertNotEquals(Errno.OK, image());
  }

  @Test
  void aSwapOfTheDeviceBundleAloneKeepsMapAndImage() throws Exception {
    device().write(java.nio.ByteBuffer.wrap(new byte[512]), 0);
    subject.swapDevices(() -> {});
    assertEquals(before.generationId(), device().changes().info().generationId());
    assertEquals(Errno.OK, image());
  }

  /** Its guardian must not take for the old content what it sees after a write in the gap. */
  @Test
  void aDeathDuringASwapOfTheDeviceBundleHidesNoWrite() throws Exception {
    subject.killedDuringSwapOfDevices(this::writeBehindItsBack);
    assertBegan(GenerationReason.UNPROVEN);
    assertEquals(Errno.EIO, image());
  }
}

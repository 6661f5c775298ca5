// SPDX-License-Identifier: Apache-2.0
package org.blksnap.contract;

import static org.blksnap.contract.Bytes.errno;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.BlockSizeRule;
import org.blksnap.api.block.ByteRange;
import org.blksnap.api.block.Errno;
import org.blksnap.api.change.CbtInfo;
import org.blksnap.api.change.ChangePoint;
import org.blksnap.api.change.ChangeSet;
import org.blksnap.api.change.GenerationReason;
import org.blksnap.spi.tracker.Evidence;
import org.blksnap.spi.tracker.Tracker;
import org.blksnap.spi.tracker.TrackerProvider;
import org.blksnap.spi.tracker.TrackerRequest;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** {@link TrackerProvider} and {@link Tracker}. Blocks of 4 KiB. */
@Timeout(60)
public abstract class TrackerContract {
  private static final int BLOCK = 4096;
  private static final int BLOCKS = 64;
  private static final BlockSizeRule RULE = new BlockSizeRule(12, 1 << 21, 26);

  @TempDir protected Path directory;

  private final List<Tracker> opened = new ArrayList<>();
  private long capacity = (long) BLOCKS * BLOCK;
  private String identity = "file:1:2";
  private String fingerprint = "f1";
  private String bootId = "boot-1";
  private Evidence evidence = Evidence.of("f1");

  protected abstract TrackerProvider provider();

  /** Whether trackers are to be opened in durable mode. */
  protected abstract boolean durable();

  @AfterEach
  void handOverAll() {
    opened.forEach(Tracker::handOver);
  }

  private Path file() {
    return directory.resolve("map");
  }

  private Tracker open(boolean adopt) throws BlksnapException {
    Tracker tracker =
        provider()
            .open(
                new TrackerRequest(
                    "sda",
                    file(),
                    capacity,
                    RULE,
                    durable(),
                    identity,
                    fingerprint,
                    evidence,
                    bootId,
                    adopt));
    opened.add(tracker);
    return tracker;
  }

  private static int[] map(Tracker tracker) throws Exception {
    ByteBuffer bytes = ByteBuffer.allocate(tracker.info().blockCount());
    assertEquals(bytes.capacity(), tracker.read(0, bytes));
    int[] values = new int[bytes.capacity()];
    for (int i = 0; i < values.length; i++) {
      values[i] = Byte.toUnsignedInt(bytes.get(i));
    }
    return values;
  }

  private void take(Tracker tracker) throws BlksnapException {
    tracker.prepareTake(capacity).commit();
  }

  /** Block 0 has changed before the first take, block 1 before the second. */
  private Tracker used() throws Exception {
    Tracker tracker = open(false);
    tracker.mark(0, 512);
    take(tracker);
    tracker.mark(BLOCK, 512);
    take(tracker);
    return tracker;
  }

  private static void assertGoesOn(CbtInfo before, Tracker tracker) throws Exception {
    assertEquals(before.generationId(), tracker.info().generationId());
    assertEquals(before.changesNumber(), tracker.info().changesNumber());
    assertEquals(1, map(tracker)[0]);
    assertEquals(2, map(tracker)[1]);
    assertEquals(0, map(tracker)[2]);
  }

  private static void assertBegins(CbtInfo before, GenerationReason reason, Tracker tracker)
      throws Exception {
    assertNotEquals(before.generationId(), tracker.info().generationId());
    assertEquals(reason, tracker.info().reason());
    assertEquals(0, tracker.info().changesNumber());
    for (int value : map(tracker)) {
      assertEquals(0, value);
    }
  }

  @Test
  void aFirstMapIsEmptyAndSaysWhy() throws Exception {
    Tracker tracker = open(false);
    CbtInfo info = tracker.info();
    assertEquals(GenerationReason.FIRST_ATTACH, info.reason());
    assertEquals(capacity, info.deviceCapacity());
    assertEquals(BLOCK, info.blockSize());
    assertEquals(BLOCKS, info.blockCount());
    assertEquals(0, info.changesNumber());
    for (int value : map(tracker)) {
      assertEquals(0, value);
    }
  }

  @Test
  void aMarkIsReadFromTheNextTakeOn() throws Exception {
    Tracker tracker = open(false);
    tracker.mark(BLOCK - 1, 2);
    tracker.mark(63L * BLOCK, BLOCK);
    assertEquals(0, map(tracker)[0]);
    take(tracker);
    int[] map = map(tracker);
    for (int i = 0; i < BLOCKS; i++) {
      assertEquals(i <= 1 || i == 63 ? 1 : 0, map[i], "block " + i);
    }
  }

  @Test
  void aMarkInBothMapsIsReadAtOnceAndAgainAtTheNextTake() throws Exception {
    Tracker tracker = open(false);
    take(tracker);
    tracker.markBoth(5L * BLOCK, 1);
    assertEquals(1, map(tracker)[5]);
    take(tracker);
    assertEquals(2, map(tracker)[5]);
  }

  @Test
  void defect2MarkDirtyMarksEveryRange() throws Exception {
    Tracker tracker = open(false);
    take(tracker);
    tracker.markDirty(
        List.of(
            new ByteRange(0, BLOCK),
            new ByteRange(5L * BLOCK, 1),
            new ByteRange(9L * BLOCK, 0),
            new ByteRange(63L * BLOCK, BLOCK)));
    int[] map = map(tracker);
    for (int i = 0; i < BLOCKS; i++) {
      assertEquals(i == 0 || i == 5 || i == 63 ? 1 : 0, map[i], "block " + i);
    }
  }

  @Test
  void markDirtyWithOneRangeOutsideIsEinvalAndMarksNone() throws Exception {
    Tracker tracker = open(false);
    take(tracker);
    List<ByteRange> ranges = List.of(new ByteRange(0, BLOCK), new ByteRange(capacity, 1));
    assertEquals(Errno.EINVAL, errno(() -> tracker.markDirty(ranges)));
    assertEquals(0, map(tracker)[0]);
  }

  @Test
  void defect3ReadingAtTheEndIsEmptyAndPastItEinval() throws Exception {
    Tracker tracker = open(false);
    assertEquals(1, tracker.read(BLOCKS - 1, ByteBuffer.allocate(10)));
    assertEquals(0, tracker.read(BLOCKS, ByteBuffer.allocate(10)));
    assertEquals(Errno.EINVAL, errno(() -> tracker.read(BLOCKS + 1, ByteBuffer.allocate(10))));
    assertEquals(Errno.EINVAL, errno(() -> tracker.read(-1, ByteBuffer.allocate(10))));
    assertEquals(Errno.EINVAL, errno(() -> tracker.read(Long.MAX_VALUE, ByteBuffer.allocate(1))));
  }

  @Test
  void whatChangedSinceIsAscendingAndMerged() throws Exception {
    Tracker tracker = used();
    tracker.markDirty(List.of(new ByteRange(8L * BLOCK, 1), new ByteRange(3L * BLOCK, 2L * BLOCK)));
    ChangeSet all = tracker.changedSince(new ChangePoint(tracker.info().generationId(), 0));
    assertFalse(all.full());
    assertEquals("", all.fullReason());
    assertEquals(2, all.point().number());
    assertEquals(tracker.info().generationId(), all.point().generation());
    assertEquals(
        List.of(
            new ByteRange(0, 2 * BLOCK),
            new ByteRange(3 * BLOCK, 2 * BLOCK),
            new ByteRange(8 * BLOCK, BLOCK)),
        all.extents(0, Integer.MAX_VALUE));
    assertEquals(
        List.of(
            new ByteRange(BLOCK, BLOCK),
            new ByteRange(3 * BLOCK, 2 * BLOCK),
            new ByteRange(8 * BLOCK, BLOCK)),
        tracker
            .changedSince(new ChangePoint(tracker.info().generationId(), 1))
            .extents(0, Integer.MAX_VALUE));
  }

  @Test
  void theLastExtentIsCutAtTheCapacity() throws Exception {
    capacity += 512;
    Tracker tracker = open(false);
    assertEquals(BLOCKS + 1, tracker.info().blockCount());
    tracker.mark(capacity - 1, 1);
    take(tracker);
    assertEquals(
        List.of(new ByteRange(capacity - 512, 512)),
        tracker
            .changedSince(new ChangePoint(tracker.info().generationId(), 0))
            .extents(0, Integer.MAX_VALUE));
  }

  @Test
  void aPointThatIsNotOfThisGenerationMeansEverything() throws Exception {
    Tracker tracker = used();
    UUID generation = tracker.info().generationId();
    for (ChangeSet set :
        List.of(
            tracker.changedSince(new ChangePoint(new UUID(1, 2), 0)),
            tracker.changedSince(new ChangePoint(generation, 3)))) {
      assertTrue(set.full());
      assertFalse(set.fullReason().isEmpty());
      assertEquals(List.of(new ByteRange(0, capacity)), set.extents(0, Integer.MAX_VALUE));
    }
    assertEquals(
        List.of(),
        tracker.changedSince(new ChangePoint(generation, 2)).extents(0, Integer.MAX_VALUE));
  }

  @Test
  void anImpossibleMarkVoidsTheMapUntilTheNextTake() throws Exception {
    long[][] impossible = {{capacity, 512}, {-512, 512}, {0, -1}, {512, Long.MAX_VALUE}};
    for (long[] range : impossible) {
      Files.deleteIfExists(file());
      Tracker tracker = used();
      CbtInfo before = tracker.info();
      tracker.mark(range[0], range[1]);
      assertEquals(Errno.EFAULT, errno(tracker::info));
      assertEquals(Errno.EFAULT, errno(() -> tracker.read(0, ByteBuffer.allocate(1))));
      assertEquals(
          Errno.EFAULT,
          errno(() -> tracker.changedSince(new ChangePoint(before.generationId(), 0))));
      take(tracker);
      assertBegins(before, GenerationReason.MAP_CORRUPTED, tracker);
      tracker.handOver();
    }
  }

  @Test
  void aTakeWithAnotherCapacityBeginsAGeneration() throws Exception {
    Tracker tracker = used();
    CbtInfo before = tracker.info();
    capacity += BLOCK;
    take(tracker);
    assertBegins(before, GenerationReason.RESIZE, tracker);
    assertEquals(capacity, tracker.info().deviceCapacity());
    assertEquals(BLOCKS + 1, tracker.info().blockCount());
  }

  @Test
  void defect7TheWrapBeginsAGenerationWithEmptyMaps() throws Exception {
    Tracker tracker = open(false);
    for (int number = 1; number <= 254; number++) {
      tracker.mark(0, 1);
      tracker.markBoth(BLOCK, 1);
      take(tracker);
      assertEquals(number, tracker.info().changesNumber());
    }
    CbtInfo before = tracker.info();
    tracker.mark(0, 1);
    take(tracker);
    assertBegins(before, GenerationReason.WRAP, tracker);
    tracker.mark(0, 1);
    assertEquals(0, map(tracker)[0], "marked after the wrap, not yet taken");
  }

  @Test
  void anAbortedTakeChangesNothing() throws Exception {
    Tracker tracker = used();
    CbtInfo before = tracker.info();
    tracker.mark(2L * BLOCK, 1);
    tracker.prepareTake(capacity).abort();
    tracker.prepareTake(capacity * 2).abort();
    assertGoesOn(before, tracker);
    take(tracker);
    assertEquals(3, map(tracker)[2]);
  }

  @Test
  void aRenewalTakesItsReason() throws Exception {
    Tracker tracker = used();
    CbtInfo before = tracker.info();
    tracker.renew(capacity, GenerationReason.REQUESTED, "by hand");
    assertBegins(before, GenerationReason.REQUESTED, tracker);
    assertEquals("by hand", tracker.info().reasonDetail());
  }

  @Test
  void aHandOverIsTrustedAndMayBeRepeated() throws Exception {
    Tracker tracker = used();
    CbtInfo before = tracker.info();
    tracker.handOver();
    tracker.handOver();
    fingerprint = "f2";
    assertGoesOn(before, open(true));
  }

  @Test
  void aCleanCloseIsTrustedAcrossABootWhereTheFingerprintIsTheSame() throws Exception {
    Tracker tracker = used();
    CbtInfo before = tracker.info();
    tracker.flush();
    tracker.close(fingerprint);
    tracker.close("ignored");
    bootId = "boot-2";
    assertGoesOn(before, open(false));
  }

  @Test
  void anotherFingerprintBeginsAGeneration() throws Exception {
    Tracker tracker = used();
    CbtInfo before = tracker.info();
    tracker.close(fingerprint);
    fingerprint = "f2";
    assertBegins(before, GenerationReason.CHANGED_WHILE_DETACHED, open(false));
  }

  @Test
  void anotherDeviceBeginsAGeneration() throws Exception {
    Tracker tracker = used();
    CbtInfo before = tracker.info();
    tracker.close(fingerprint);
    identity = "file:1:3";
    assertBegins(before, GenerationReason.OTHER_DEVICE, open(false));
  }

  @Test
  void anotherBootWithoutACloseBeginsAGeneration() throws Exception {
    CbtInfo before = used().info();
    bootId = "boot-2";
    assertBegins(before, GenerationReason.UNCLEAN_POWER_LOSS, open(false));
  }

  @Test
  void withoutACloseItGoesOnWhereTheDeviceIsAsItWasLeft() throws Exception {
    CbtInfo before = used().info();
    Tracker after = open(false);
    assertGoesOn(before, after);
    assertFalse(after.begunByOpening());
  }

  @Test
  void withoutACloseItBeginsAGenerationWhereTheDeviceIsNotAsItWasLeft() throws Exception {
    CbtInfo before = used().info();
    evidence = Evidence.of("f0");
    Tracker after = open(false);
    assertBegins(before, GenerationReason.CHANGED_WHILE_DETACHED, after);
    assertTrue(after.begunByOpening());
  }

  @Test
  void withoutACloseItBeginsAGenerationWhereNothingIsKnown() throws Exception {
    CbtInfo before = used().info();
    evidence = Evidence.none("said by the test");
    Tracker after = open(false);
    assertBegins(before, GenerationReason.UNPROVEN, after);
    assertEquals("said by the test", after.info().reasonDetail());
  }

  @Test
  void aDamagedFileBeginsAGenerationAndFailsNothing() throws Exception {
    Tracker tracker = used();
    CbtInfo before = tracker.info();
    tracker.close(fingerprint);
    byte[] noise = Bytes.filled((int) Files.size(file()), 0x33);
    Files.delete(file());
    Files.write(file(), noise);
    assertBegins(before, GenerationReason.MAP_UNREADABLE, open(false));
  }

  @Test
  void closedItAnswersEshutdownAndIgnoresMarks() throws Exception {
    Tracker tracker = used();
    CbtInfo before = tracker.info();
    tracker.close(fingerprint);
    tracker.mark(2L * BLOCK, 1);
    tracker.markBoth(2L * BLOCK, 1);
    assertEquals(Errno.ESHUTDOWN, errno(tracker::info));
    assertEquals(Errno.ESHUTDOWN, errno(() -> tracker.prepareTake(capacity)));
    assertEquals(Errno.ESHUTDOWN, errno(() -> tracker.markDirty(List.of(new ByteRange(0, 1)))));
    assertGoesOn(before, open(false));
  }

  @Test
  void marksOfManyThreadsAreAllKept() throws Exception {
    Tracker tracker = open(false);
    Threads.run(
        4,
        thread -> {
          for (int block = thread; block < BLOCKS; block += 4) {
            tracker.mark((long) block * BLOCK, 1);
            tracker.markBoth((long) block * BLOCK, BLOCK);
          }
        });
    take(tracker);
    for (int value : map(tracker)) {
      assertEquals(1, value);
    }
  }
}

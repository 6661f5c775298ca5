// SPDX-License-Identifier: Apache-2.0
package org.blksnap.tracker.internal;

import static org.blksnap.tracker.internal.TrackerBench.bytes;
import static org.blksnap.tracker.internal.TrackerBench.take;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import org.blksnap.api.block.Errno;
import org.blksnap.api.change.CbtInfo;
import org.blksnap.api.change.GenerationReason;
import org.blksnap.spi.tracker.Tracker;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A change map whose file is damaged, or was found void: never trusted, never in the way. */
class DamagedMapTest {
  @TempDir Path directory;
  private TrackerBench bench;
  private CbtInfo before;

  @BeforeEach
  void setUp() {
    bench = new TrackerBench(directory);
  }

  /** Two takes, one mark in each epoch. */
  private Tracker used() throws Exception {
    Tracker tracker = bench.open();
    tracker.mark(0, 512);
    take(tracker, bench.capacity);
    tracker.mark(4096, 512);
    take(tracker, bench.capacity);
    before = tracker.info();
    return tracker;
  }

  private void assertNew(Tracker tracker, GenerationReason reason, String detail) throws Exception {
    CbtInfo info = tracker.info();
    assertNotEquals(before == null ? null : before.generationId(), info.generationId());
    assertEquals(reason, info.reason());
    assertTrue(info.reasonDetail().contains(detail), info.reasonDetail());
    assertEquals(0, info.changesNumber());
    for (int value : bytes(tracker)) {
      assertEquals(0, value);
    }
    tracker.handOver();
  }

  @Test
  void aDamagedFileIsUnreadable() throws Exception {
    used().close("f1");
    try (RandomAccessFile file = new RandomAccessFile(bench.file.toFile(), "rw")) {
      file.seek(MapLayout.CAPACITY_AT);
      file.write(0x55);
      file.seek(MapLayout.PAGE + MapLayout.CAPACITY_AT);
      file.write(0x55);
    }
    assertNew(bench.open(), GenerationReason.MAP_UNREADABLE, "checksum");
  }

  @Test
  void aFileOfAnotherVersionIsUnreadable() throws Exception {
    used().close("f1");
    try (RandomAccessFile file = new RandomAccessFile(bench.file.toFile(), "rw")) {
      file.seek(MapLayout.VERSION_AT);
      file.write(9);
      file.seek(MapLayout.PAGE + MapLayout.VERSION_AT);
      file.write(9);
    }
    assertNew(bench.open(), GenerationReason.MAP_UNREADABLE, "format version 9");
  }

  @Test
  void aCutFileIsUnreadable() throws Exception {
    used().handOver();
    byte[] bytes = Files.readAllBytes(bench.file);
    Path other = directory.resolve("cut");
    for (int length : new int[] {0, 8, 4096, 8191, 8192, bytes.length - 1}) {
      Files.write(other, java.util.Arrays.copyOf(bytes, length));
      Files.move(other, bench.file, java.nio.file.StandardCopyOption.REPLACE_EXISTING);
      assertNew(bench.open(), GenerationReason.MAP_UNREADABLE, "size");
    }
  }

  @Test
  void aFileOfSomethingElseIsUnreadable() throws Exception {
    Files.write(bench.file, new byte[1 << 16]);
    assertNew(bench.open(), GenerationReason.MAP_UNREADABLE, "magic");
  }

  @Test
  void oneDamagedSlotLeavesTheOther() throws Exception {
    Tracker tracker = used();
    TrackerBench after = bench.killed();
    long newest = newestSlot(after);
    try (RandomAccessFile file = new RandomAccessFile(after.file.toFile(), "rw")) {
      file.seek(newest + MapLayout.CRC_AT);
      file.write(new byte[4]);
    }
    Tracker next = after.open();
    assertEquals(before.generationId(), next.info().generationId());
    assertEquals(before.changesNumber() - 1, next.info().changesNumber());
    next.handOver();
    tracker.handOver();
  }

  private static long newestSlot(TrackerBench bench) throws Exception {
    return MapLayout.slotOf(MapFile.open(bench.file).header().sequence());
  }

  @Test
  void aMapThatCannotBeWrittenIsVoidAndMarksDoNotThrow() throws Exception {
    bench.capacity = 5000L * 4096;
    Tracker tracker = used();
    try (RandomAccessFile file = new RandomAccessFile(bench.file.toFile(), "rw")) {
      file.setLength(MapLayout.HEADER_LENGTH);
    }
    tracker.mark(0, bench.capacity);
    assertEquals(Errno.EFAULT, GenerationTest.errno(tracker::info));
    take(tracker, bench.capacity);
    assertNew(tracker, GenerationReason.MAP_CORRUPTED, "");
  }

  @Test
  void aVoidMapIsNotTrustedAfterAKill() throws Exception {
    Tracker tracker = used();
    tracker.markBoth(-512, 512);
    TrackerBench after = bench.killed();
    assertNew(after.open(), GenerationReason.MAP_CORRUPTED, "");
  }

  @Test
  void aVoidMapStaysVoidWhenClosed() throws Exception {
    Tracker tracker = used();
    tracker.mark(0, -1);
    tracker.close("f1");
    assertNew(bench.open(), GenerationReason.MAP_CORRUPTED, "");
  }
}

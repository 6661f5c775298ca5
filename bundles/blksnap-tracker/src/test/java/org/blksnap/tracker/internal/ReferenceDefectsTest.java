// SPDX-License-Identifier: Apache-2.0
package org.blksnap.tracker.internal;

import static org.blksnap.tracker.internal.GenerationTest.errno;
import static org.blksnap.tracker.internal.TrackerBench.bytes;
import static org.blksnap.tracker.internal.TrackerBench.take;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import org.blksnap.api.block.ByteRange;
import org.blksnap.api.block.Errno;
import org.blksnap.spi.tracker.Tracker;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Defects listed in the interface's reference that must not come back; numbered as there. */
class ReferenceDefectsTest {
  @TempDir Path directory;
  private TrackerBench bench;
  private Tracker tracker;

  @BeforeEach
  void setUp() throws Exception {
    bench = new TrackerBench(directory);
    tracker = bench.open();
    take(tracker, bench.capacity);
  }

  @AfterEach
  void tearDown() {
    tracker.handOver();
    bench.close();
  }

  @Test
  void defect2MarkDirtyMarksEveryRangeNotTheFirstOverAndOver() throws Exception {
    tracker.markDirty(
        List.of(
            new ByteRange(0, 4096), new ByteRange(5 * 4096, 1), new ByteRange(63 * 4096, 4096)));
    int[] map = bytes(tracker);
    for (int i = 0; i < map.length; i++) {
      assertEquals(i == 0 || i == 5 || i == 63 ? 1 : 0, map[i], "block " + i);
    }
  }

  @Test
  void defect2MarkDirtyWithOneBadRangeMarksNone() throws Exception {
    assertEquals(
        Errno.EINVAL,
        errno(
            () ->
                tracker.markDirty(
                    List.of(new ByteRange(0, 4096), new ByteRange(bench.capacity, 1)))));
    assertEquals(0, bytes(tracker)[0]);
  }

  @Test
  void defect3ReadingPastTheEndIsRefusedAndAtTheEndIsEmpty() throws Exception {
    assertEquals(0, tracker.read(64, ByteBuffer.allocate(10)));
    assertEquals(1, tracker.read(63, ByteBuffer.allocate(10)));
    assertEquals(Errno.EINVAL, errno(() -> tracker.read(65, ByteBuffer.allocate(10))));
    assertEquals(Errno.EINVAL, errno(() -> tracker.read(-1, ByteBuffer.allocate(10))));
    assertEquals(Errno.EINVAL, errno(() -> tracker.read(Long.MAX_VALUE, ByteBuffer.allocate(1))));
  }

  @Test
  void defect7TheReadMapIsClearedAtTheWrap() throws Exception {
    while (tracker.info().changesNumber() < 254) {
      tracker.mark(0, 4096);
      tracker.markBoth(4096, 4096);
      take(tracker, bench.capacity);
    }
    tracker.mark(0, 4096);
    take(tracker, bench.capacity);
    assertEquals(0, tracker.info().changesNumber());
    assertEquals(0, bytes(tracker)[0]);
    assertEquals(0, bytes(tracker)[1]);
    tracker.mark(0, 8192);
    assertEquals(0, bytes(tracker)[0], "marked after the wrap, not yet taken");
  }
}

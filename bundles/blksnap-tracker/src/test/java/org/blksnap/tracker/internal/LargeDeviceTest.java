// SPDX-License-Identifier: Apache-2.0
package org.blksnap.tracker.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import org.blksnap.api.block.BlockSizeRule;
import org.blksnap.api.block.ByteRange;
import org.blksnap.api.block.Errno;
import org.blksnap.api.change.ChangePoint;
import org.blksnap.spi.tracker.Tracker;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Sizes and costs. */
class LargeDeviceTest {
  private static final BlockSizeRule DEFAULT = new BlockSizeRule(16, 1 << 21, 26);

  private static final ThreadMXBean CPU = ManagementFactory.getThreadMXBean();

  @TempDir Path directory;
  private TrackerBench bench;

  @BeforeEach
  void setUp() {
    bench = new TrackerBench(directory);
    bench.rule = DEFAULT;
  }

  private static long millis(long since) {
    return (System.nanoTime() - since) / 1_000_000;
  }

  @Test
  void aPebibyteOpensAtOnceAndIsMarkedWhole() throws Exception {
    bench.capacity = 1L << 50;
    long start = System.nanoTime();
    Tracker tracker = bench.open();
    System.out.println("1 PiB opened in " + millis(start) + " ms");
    assertEquals(1 << 24, tracker.info().blockCount());
    start = System.nanoTime();
    tracker.mark(0, bench.capacity);
    System.out.println("1 PiB marked in " + millis(start) + " ms");
    TrackerBench.take(tracker, bench.capacity);
    start = System.nanoTime();
    tracker.mark(512, (1L << 40) - 1024);
    System.out.println("1 TiB of it marked again in " + millis(start) + " ms");
    start = System.nanoTime();
    assertEquals(
        List.of(new ByteRange(0, bench.capacity)),
        tracker
            .changedSince(new ChangePoint(tracker.info().generationId(), 0))
            .extents(0, Integer.MAX_VALUE));
    System.out.println("1 PiB asked in " + millis(start) + " ms");
    long longest = 0;
    for (int i = 0; i < 100; i++) {
      Tracker.PreparedTake take = tracker.prepareTake(bench.capacity);
      start = System.nanoTime();
      take.commit();
      longest = Math.max(longest, System.nanoTime() - start);
    }
    System.out.println("1 PiB longest commit of 100: " + longest / 1000 + " us");
    assertTrue(longest < Duration.ofMillis(100).toNanos(), longest + " ns");
    tracker.handOver();
  }

  @Test
  void aMapAboveAGibibyteIsMappedInSegments() throws Exception {
    bench.rule = new BlockSizeRule(9, Integer.MAX_VALUE, 9);
    long blocks = (1L << MarkTable.SEGMENT_SHIFT) + 5000;
    bench.capacity = blocks * 512;
    Tracker tracker = bench.open();
    long seam = 1L << MarkTable.SEGMENT_SHIFT;
    tracker.mark((seam - 3) * 512, 6 * 512);
    tracker.mark((blocks - 1) * 512, 512);
    TrackerBench.take(tracker, bench.capacity);
    tracker.markBoth((seam - 1) * 512, 2 * 512);
    ByteBuffer dst = ByteBuffer.allocate(10);
    assertEquals(10, tracker.read(seam - 5, dst));
    assertEquals(
        "00 00 01 01 01 01 01 01 00 00",
        java.util.HexFormat.ofDelimiter(" ").formatHex(dst.array()));
    assertEquals(1, tracker.read(blocks - 1, ByteBuffer.allocate(10)));
    tracker.flush();
    tracker.handOver();
  }

  @Test
  void moreBlocksThanAnArrayHasAreRefused() {
    bench.rule = new BlockSizeRule(9, Integer.MAX_VALUE, 9);
    bench.capacity = 1L << 41;
    assertEquals(Errno.EFBIG, GenerationTest.errno(bench::open));
  }

  @Test
  void anEmptyDeviceHasAnEmptyMap() throws Exception {
    bench.capacity = 0;
    Tracker tracker = bench.open();
    tracker.mark(0, 0);
    assertEquals(0, tracker.read(0, ByteBuffer.allocate(4)));
    assertEquals(
        List.of(),
        tracker
            .changedSince(new ChangePoint(tracker.info().generationId(), 0))
            .extents(0, Integer.MAX_VALUE));
    tracker.close("f1");
    bench.open().handOver();
  }

  @Test
  void durableMarksAreReadAsAnyOthers() throws Exception {
    bench.durable = true;
    bench.capacity = 1L << 30;
    Tracker tracker = bench.open();
    tracker.mark(0, 1 << 30);
    TrackerBench.take(tracker, bench.capacity);
    tracker.mark(0, 512);
    tracker.markBoth(1 << 16, 512);
    tracker.markDirty(List.of(new ByteRange(2 << 16, 512)));
    int[] map = TrackerBench.bytes(tracker);
    for (int value : map) {
      assertEquals(1, value);
    }
    TrackerBench.take(tracker, bench.capacity);
    int[] next = TrackerBench.bytes(tracker);
    for (int i = 0; i < next.length; i++) {
      assertEquals(i < 3 ? 2 : 1, next[i], "block " + i);
    }
    tracker.close("f1");
  }

  /** Prints what a 4 KiB mark costs; asserts only against an order of magnitude. */
  @Test
  void aMarkCostsNanoseconds() throws Exception {
    bench.capacity = 1L << 37; // 2,097,152 blocks of 64 KiB
    Tracker tracker = bench.open();
    int n = 1 << 18;
    long[] offsets = new long[n];
    Random random = new Random(TrackerBench.SEED);
    for (int i = 0; i < n; i++) {
      offsets[i] = Math.floorMod(random.nextLong(), bench.capacity) & -4096L;
    }
    double first = Double.MAX_VALUE;
    double again = Double.MAX_VALUE;
    for (int round = 0; round < 30; round++) {
      first = Math.min(first, cost(tracker, offsets));
      again = Math.min(again, cost(tracker, offsets));
      TrackerBench.take(tracker, bench.capacity);
    }
    System.out.printf(
        "4 KiB mark, random over 128 GiB: first pass of an epoch %.1f ns (most first touches),"
            + " second pass %.1f ns%n",
        first, again);
    for (int i = 0; i < n; i++) {
      offsets[i] = (long) i << 16;
    }
    TrackerBench.take(tracker, bench.capacity);
    first = Double.MAX_VALUE;
    for (int round = 0; round < 10; round++) {
      first = Math.min(first, cost(tracker, offsets));
      TrackerBench.take(tracker, bench.capacity);
    }
    System.out.printf("4 KiB mark, each a first touch, in order: %.1f ns%n", first);
    for (int i = n - 1; i > 0; i--) {
      int j = random.nextInt(i + 1);
      long swap = offsets[i];
      offsets[i] = offsets[j];
      offsets[j] = swap;
    }
    first = Double.MAX_VALUE;
    for (int round = 0; round < 10; round++) {
      first = Math.min(first, cost(tracker, offsets));
      TrackerBench.take(tracker, bench.capacity);
    }
    System.out.printf("4 KiB mark, each a first touch, random: %.1f ns%n", first);
    assertTrue(first < 1000, first + " ns");
    tracker.handOver();
  }

  private static double cost(Tracker tracker, long[] offsets) {
    long start = CPU.getCurrentThreadCpuTime();
    for (long offset : offsets) {
      tracker.mark(offset, 4096);
    }
    return (double) (CPU.getCurrentThreadCpuTime() - start) / offsets.length;
  }
}

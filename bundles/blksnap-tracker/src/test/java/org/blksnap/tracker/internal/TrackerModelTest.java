// SPDX-License-Identifier: Apache-2.0
package org.blksnap.tracker.internal;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.UUID;
import org.blksnap.api.block.ByteRange;
import org.blksnap.api.change.ChangePoint;
import org.blksnap.api.change.ChangeSet;
import org.blksnap.spi.tracker.Evidence;
import org.blksnap.spi.tracker.Tracker;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Random histories against two plain arrays that are copied at each take. */
class TrackerModelTest {
  private static final int STEPS = Integer.getInteger("steps", 30_000);
  private static final int BLOCK = 4096;

  @TempDir Path directory;
  private final Random random = new Random(TrackerBench.SEED);
  private TrackerBench bench;
  private Tracker tracker;
  private int[] write;
  private int[] read;
  private int active;
  private long size;
  private UUID generation;

  private void renewed() throws Exception {
    assertNotEquals(generation, tracker.info().generationId());
    generation = tracker.info().generationId();
    size = bench.capacity;
    int blocks = (int) ((bench.capacity + BLOCK - 1) / BLOCK);
    write = new int[blocks];
    read = new int[blocks];
    active = 1;
  }

  private void take() throws Exception {
    boolean resized = size != bench.capacity;
    TrackerBench.take(tracker, bench.capacity);
    if (resized || active == 255) {
      renewed();
    } else {
      read = write.clone();
      active++;
    }
  }

  private ByteRange range() {
    long offset = Math.floorMod(random.nextLong(), bench.capacity);
    long most = bench.capacity - offset;
    long length =
        random.nextInt(10) == 0 ? most : 1 + Math.floorMod(random.nextLong(), Math.min(most, 9999));
    return new ByteRange(offset, length);
  }

  private void model(ByteRange range, boolean both) {
    for (int i = (int) (range.offset() / BLOCK); i <= (range.end() - 1) / BLOCK; i++) {
      write[i] = active;
      if (both) {
        read[i] = active - 1;
      }
    }
  }

  private void reopen(int kind) throws Exception {
    switch (kind) {
      case 0 -> {
        tracker.handOver();
        bench.adopt = true;
        tracker = bench.open();
        bench.adopt = false;
      }
      case 1 -> {
        tracker.close("f");
        bench.fingerprint = "f";
        tracker = bench.open();
      }
      case 2 -> { // as after a kill
        bench.evidence = Evidence.of(bench.fingerprint);
        tracker = bench.open();
      }
      case 3 -> {
        bench.evidence = Evidence.of(bench.fingerprint);
        tracker.prepareTake(bench.capacity); // killed in the middle of a take
        tracker = bench.open();
      }
      case 4 -> {
        bench.bootId = "boot-" + random.nextLong();
        tracker = bench.open();
        renewed();
      }
      default -> {
        tracker.close("f");
        bench.fingerprint = "other";
        tracker = bench.open();
        renewed();
      }
    }
  }

  private void check() throws Exception {
    assertEquals(generation, tracker.info().generationId());
    assertEquals(active - 1, tracker.info().changesNumber());
    assertArrayEquals(read, TrackerBench.bytes(tracker));
    int number = random.nextInt(active);
    ChangeSet set = tracker.changedSince(new ChangePoint(generation, number));
    boolean[] named = new boolean[read.length];
    long end = -1;
    for (ByteRange range : set.extents(0, Integer.MAX_VALUE)) {
      assertNotEquals(end, range.offset(), "not merged");
      end = range.end();
      for (int i = (int) (range.offset() / BLOCK); i <= (range.end() - 1) / BLOCK; i++) {
        named[i] = true;
      }
    }
    for (int i = 0; i < read.length; i++) {
      assertEquals(read[i] > number, named[i], "block " + i + " since " + number);
    }
  }

  @Test
  void everyHistoryIsAsTwoPlainArraysHaveIt() throws Exception {
    System.out.println("tracker model: -Dseed=" + TrackerBench.SEED);
    bench = new TrackerBench(directory);
    bench.capacity = 50 * BLOCK + 512;
    tracker = bench.open();
    renewed();
    int wraps = 0;
    for (int step = 0; step < STEPS; step++) {
      int dice = random.nextInt(1000);
      if (dice < 600) {
        ByteRange range = range();
        tracker.mark(range.offset(), range.length());
        model(range, false);
      } else if (dice < 700) {
        ByteRange range = range();
        tracker.markBoth(range.offset(), range.length());
        model(range, true);
      } else if (dice < 750) {
        List<ByteRange> ranges = new ArrayList<>(Arrays.asList(range(), range()));
        tracker.markDirty(ranges);
        ranges.forEach(range -> model(range, true));
      } else if (dice < 985) {
        wraps += active == 255 ? 1 : 0;
        take();
      } else if (dice < 996) {
        reopen(random.nextInt(4));
      } else if (dice == 996 && random.nextInt(4) == 0) {
        bench.capacity = (1 + random.nextInt(120)) * (long) BLOCK - random.nextInt(2) * 512;
        take();
      } else if (dice == 997 && random.nextInt(4) == 0) {
        reopen(4 + random.nextInt(2));
      }
      check();
    }
    tracker.handOver();
    System.out.println("tracker model: " + STEPS + " steps, " + wraps + " wraps");
  }
}

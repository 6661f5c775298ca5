// SPDX-License-Identifier: Apache-2.0
package org.blksnap.tracker.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.atomic.AtomicReference;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.spi.tracker.Tracker;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Marks, marks in both maps and queries at once, over blocks that share words. Each round is an
 * epoch: the readable byte of a block may be what it was at the take, or, where someone marks it in
 * both maps, previous; once previous it stays so, and at the end nothing is lost.
 */
@Timeout(120)
class MarkStressTest {
  private static final int BLOCKS = 16;
  private static final int ROUNDS = Integer.getInteger("rounds", 8_000);

  @TempDir Path directory;

  @Test
  void noRaiseIsLostAndNoReaderSeesALowerByte() throws Exception {
    System.out.println("mark stress: -Dseed=" + TrackerBench.SEED);
    Random random = new Random(TrackerBench.SEED);
    TrackerBench bench = new TrackerBench(directory);
    bench.capacity = BLOCKS * 4096;
    Tracker tracker = bench.open();
    int[] atTake = new int[BLOCKS];
    int active = 1;
    AtomicReference<String> failure = new AtomicReference<>();
    CyclicBarrier start = new CyclicBarrier(4);
    CyclicBarrier end = new CyclicBarrier(4);
    long[] masks = new long[3];
    List<Thread> threads = new ArrayList<>();
    for (int t = 0; t < 3; t++) {
      int id = t;
      Thread thread =
          new Thread(
              () -> {
                try {
                  for (int round = 0; round < ROUNDS; round++) {
                    start.await();
                    work(tracker, id, masks[id], round, failure);
                    end.await();
                  }
                } catch (Exception e) {
                  failure.compareAndSet(null, e.toString());
                }
              });
      thread.start();
      threads.add(thread);
    }
    for (int round = 0; round < ROUNDS; round++) {
      masks[0] = random.nextInt(1 << BLOCKS);
      int half = random.nextInt(1 << BLOCKS);
      masks[1] = half & random.nextInt(1 << BLOCKS);
      masks[2] = random.nextInt(1 << BLOCKS);
      start.await();
      end.await();
      int[] map = TrackerBench.bytes(tracker);
      int[] next = atTake.clone();
      for (int i = 0; i < BLOCKS; i++) {
        boolean raised = (masks[1] >>> i & 1) != 0;
        int wanted = raised ? active - 1 : atTake[i];
        if (map[i] != wanted) {
          failure.compareAndSet(
              null, "round " + round + " block " + i + ": " + map[i] + ", wanted " + wanted);
        }
        if (((masks[0] | masks[1] | masks[2]) >>> i & 1) != 0) {
          next[i] = active;
        }
      }
      assertEquals(null, failure.get());
      TrackerBench.take(tracker, bench.capacity);
      atTake = active == 255 ? new int[BLOCKS] : next;
      active = active == 255 ? 1 : active + 1;
      int[] taken = TrackerBench.bytes(tracker);
      assertTrue(Arrays.equals(atTake, taken), () -> Arrays.toString(taken));
    }
    for (Thread thread : threads) {
      thread.join();
    }
    assertEquals(null, failure.get());
    tracker.handOver();
  }

  private static void work(
      Tracker tracker, int id, long mask, int round, AtomicReference<String> failure)
      throws Exception {
    int[] before = null;
    for (int k = 0; k < BLOCKS; k++) {
      int i = (k + round * (id + 1)) % BLOCKS;
      if ((mask >>> i & 1) != 0) {
        if (id == 1) {
          tracker.markBoth(i * 4096L, 4096);
        } else {
          tracker.mark(i * 4096L, 1);
        }
      }
      if (id == 2 && k % 4 == 0) {
        int[] now = TrackerBench.bytes(tracker);
        for (int b = 0; before != null && b < BLOCKS; b++) {
          if (now[b] < before[b]) {
            failure.compareAndSet(null, "block " + b + " fell to " + now[b]);
          }
        }
        before = now;
      }
    }
  }

  @Test
  void queriesAreOfOneEpochWhileTakesGoOn() throws Exception {
    TrackerBench bench = new TrackerBench(directory);
    bench.capacity = 2048 * 4096;
    Tracker tracker = bench.open();
    AtomicReference<String> failure = new AtomicReference<>();
    Thread reader =
        new Thread(
            () -> {
              try {
                while (!Thread.interrupted()) {
                  // every epoch marks every block, so all bytes are equal in each of them
                  int[] map;
                  try {
                    map = TrackerBench.bytes(tracker);
                  } catch (BlksnapException e) {
                    if (e.errno() != Errno.EAGAIN) {
                      throw e;
                    }
                    continue; // so many takes in one query are this test's own doing
                  }
                  for (int value : map) {
                    if (value != map[0]) {
                      failure.set("torn: " + map[0] + " and " + value);
                    }
                  }
                }
              } catch (Exception e) {
                failure.set(e.toString());
              }
            });
    reader.start();
    for (int i = 0; i < 3_000; i++) {
      tracker.mark(0, bench.capacity);
      TrackerBench.take(tracker, bench.capacity);
    }
    reader.interrupt();
    reader.join();
    assertEquals(null, failure.get());
    tracker.handOver();
  }
}

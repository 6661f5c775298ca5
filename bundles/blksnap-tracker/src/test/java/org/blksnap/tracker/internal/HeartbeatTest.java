// SPDX-License-Identifier: Apache-2.0
package org.blksnap.tracker.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.blksnap.api.block.Errno;
import org.blksnap.spi.tracker.Tracker;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * The guard against a lost page of a map. The fault the virtual machine makes of one is thrown here
 * by the test: when, and in whose store, a real one is delivered is a matter of luck.
 */
@Timeout(60)
class HeartbeatTest {
  @TempDir Path directory;

  /** Counts its beats, and counts those it was told of as failed. */
  private static class Counted implements Beating {
    final AtomicLong last = new AtomicLong();
    final CountDownLatch beats = new CountDownLatch(3);
    final AtomicInteger failures = new AtomicInteger();
    final AtomicReference<Throwable> fault = new AtomicReference<>();

    @Override
    public void beat(long millis) {
      last.set(millis);
      beats.countDown();
    }

    @Override
    public void beatFailed(Throwable told) {
      fault.set(told);
      failures.incrementAndGet();
    }
  }

  @Test
  void aLostPageIsToldToItsMapAndTheOthersGoOnBeating() throws Exception {
    InternalError lost = new InternalError("a fault occurred in an unsafe memory access operation");
    Counted sound = new Counted();
    Counted broken =
        new Counted() {
          @Override
          public void beat(long millis) {
            super.beat(millis);
            throw lost;
          }
        };
    try (Heartbeat heartbeat = new Heartbeat(() -> 4711)) {
      heartbeat.add(broken);
      heartbeat.add(sound);
      sound.beats.await();
      broken.beats.await();
    }
    assertEquals(4711, sound.last.get());
    assertEquals(0, sound.failures.get());
    assertEquals(lost, broken.fault.get());
  }

  @Test
  void aFaultToldLateEndsNoHeartbeat() throws Exception {
    Counted sound = new Counted();
    AtomicInteger asked = new AtomicInteger();
    try (Heartbeat heartbeat =
        new Heartbeat(
            () -> {
              if (asked.incrementAndGet() == 2) {
                throw new InternalError("told some instructions too late, by the test");
              }
              return 1;
            })) {
      heartbeat.add(sound);
      sound.beats.await();
    }
    assertEquals(0, sound.failures.get());
  }

  @Test
  void oneThatWasRemovedDoesNotBeat() throws Exception {
    Counted gone = new Counted();
    Counted stays = new Counted();
    try (Heartbeat heartbeat = new Heartbeat(() -> 1)) {
      heartbeat.add(gone);
      heartbeat.add(stays);
      heartbeat.remove(gone);
      long left = gone.beats.getCount();
      stays.beats.await();
      assertEquals(
          0, Math.max(0, left - 1 - gone.beats.getCount()), "one beat was under way at most");
    }
  }

  @Test
  void aMapWhoseHeartbeatFailedIsVoidUntilTheNextTake() throws Exception {
    try (TrackerBench bench = new TrackerBench(directory)) {
      Tracker tracker = bench.open();
      ((Beating) tracker).beatFailed(new InternalError("by the test"));
      assertEquals(Errno.EFAULT, GenerationTest.errno(tracker::info));
      TrackerBench.take(tracker, bench.capacity);
      assertEquals(0, tracker.info().changesNumber());
      tracker.handOver();
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.module;

import static org.blksnap.ioctl.internal.module.GuestSteps.check;
import static org.blksnap.ioctl.internal.module.GuestSteps.refuses;

import java.time.Duration;
import java.util.Optional;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicReference;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.ByteRange;
import org.blksnap.api.block.Errno;
import org.blksnap.spi.module.EventWait;
import org.blksnap.spi.module.KernelModule;
import org.blksnap.spi.module.ModuleEvent;
import org.blksnap.spi.module.SnapshotSeed;

/** Waits for the events of the real module. */
final class GuestEvents {
  private static final Duration AT_ONCE = Duration.ZERO;
  private static final Duration LONG = Duration.ofSeconds(60);

  /** A wait that is closed has to be over within that time, on an emulated machine. */
  private static final long AWAKE_MILLIS = 400;

  private final KernelModule module;
  private final Random random;

  GuestEvents(KernelModule module, Random random) {
    this.module = module;
    this.random = random;
  }

  void events() throws Exception {
    UUID id = module.create(SnapshotSeed.NONE);
    try (EventWait wait = module.events(id)) {
      ModuleEvent first = wait.next(LONG).orElseThrow();
      long minimum = module.parameters().get("diff_storage_minimum") * ByteRange.SECTOR;
      check(
          first instanceof ModuleEvent.LowFreeSpace low && low.requestedBytes() == minimum,
          first.toString());
      check(Math.abs(System.nanoTime() - first.timeLabel()) < 600_000_000_000L, "clock");
      check(wait.next(AT_ONCE).isEmpty(), "a second event");
      long began = System.nanoTime();
      check(wait.next(Duration.ofMillis(1200)).isEmpty(), "a second event");
      long waited = (System.nanoTime() - began) / 1_000_000;
      check(waited >= 1200 && waited < 5000, "waited " + waited + " ms");
      Waiting waiting = new Waiting(wait);
      module.destroy(id);
      waiting.thread.join(10_000);
      check(
          waiting.outcome.get() instanceof BlksnapException gone && gone.errno() == Errno.ESRCH,
          "the end of the snapshot ended no wait: " + waiting.outcome.get());
      refuses(Errno.ESRCH, () -> wait.next(AT_ONCE));
    }
  }

  /** Waits in a thread of its own. */
  private static final class Waiting {
    final AtomicReference<Object> outcome = new AtomicReference<>();
    final Thread thread;
    volatile long ended;

    Waiting(EventWait wait) {
      thread =
          new Thread(
              () -> {
                try {
                  outcome.set(wait.next(LONG));
                } catch (Throwable failure) {
                  outcome.set(failure);
                }
                ended = System.nanoTime();
              });
      thread.start();
    }
  }

  private void pause() throws InterruptedException {
    int micros = random.nextInt(4000);
    if (micros >= 1000) {
      Thread.sleep(micros / 1000);
    }
    for (long until = System.nanoTime() + micros % 1000 * 1000L; System.nanoTime() < until; ) {
      Thread.onSpinWait();
    }
  }

  void closedWaits() throws Exception {
    UUID id = module.create(SnapshotSeed.NONE);
    try (EventWait first = module.events(id)) {
      check(first.next(LONG).isPresent(), "no first event");
    }
    long longest = 0;
    for (int round = 0; round < 200; round++) {
      EventWait wait = module.events(id);
      Waiting waiting = new Waiting(wait);
      pause();
      long closed = System.nanoTime();
      wait.close();
      long closing = System.nanoTime() - closed;
      waiting.thread.join(10_000);
      check(
          Optional.empty().equals(waiting.outcome.get()),
          "round " + round + ": " + waiting.outcome.get());
      longest = Math.max(longest, Math.max(closing, waiting.ended - closed));
      check(wait.next(LONG).isEmpty(), "a closed wait waited");
    }
    System.out.println("longest way out of a wait: " + longest / 1000 + " us");
    check(longest / 1_000_000 < AWAKE_MILLIS, "too long");
    module.destroy(id);
  }

  /** Each snapshot has one event, which comes while its wait is closed. */
  void noEventIsLost() throws Exception {
    int told = 0;
    for (int round = 0; round < 200; round++) {
      UUID id = module.create(SnapshotSeed.NONE);
      EventWait wait = module.events(id);
      Waiting waiting = new Waiting(wait);
      if (random.nextBoolean()) {
        pause();
      }
      wait.close();
      waiting.thread.join(10_000);
      check(waiting.outcome.get() instanceof Optional, "" + waiting.outcome.get());
      boolean had = ((Optional<?>) waiting.outcome.get()).isPresent();
      try (EventWait next = module.events(id)) {
        check(next.next(AT_ONCE).isPresent() == !had, "round " + round + ": lost, or told twice");
      }
      told += had ? 1 : 0;
      module.destroy(id);
    }
    System.out.println("told by the wait that was closed: " + told + " of 200");
  }
}

// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.module;

import java.time.Duration;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicReference;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.ioctl.internal.layout.Seed;
import org.blksnap.spi.module.ModuleEvent;

/** What tests of waits for events share. */
final class Waits {
  static final UUID ID = UUID.fromString("01234567-89ab-cdef-fedc-ba9876543210");
  static final Duration LONG = Duration.ofSeconds(60);

  private Waits() {}

  static Node control(ModuleCalls calls) throws BlksnapException {
    return Node.open(calls, "/dev/null", Node.O_RDWR);
  }

  static KernelEventWait waitOf(ModuleCalls calls, Node control, WakeSignal wake) {
    return new KernelEventWait(
        calls, control, Seed.WAIT_EVENT_CALL, EventCodes.SEED, ID, wake, gone -> {});
  }

  /** What a wait of a thread of its own comes to. */
  static final class Waiting {
    final AtomicReference<Object> outcome = new AtomicReference<>();
    final Thread thread;

    Waiting(KernelEventWait wait, Duration timeout) {
      thread =
          new Thread(
              () -> {
                try {
                  outcome.set(wait.next(timeout));
                } catch (Throwable failure) {
                  outcome.set(failure);
                }
              });
      thread.start();
    }

    Object after(long millis) throws InterruptedException {
      thread.join(millis);
      return outcome.get();
    }
  }

  static long number(Object event) {
    return ((ModuleEvent.LowFreeSpace) event).requestedBytes() / 512;
  }

  static void spin(int micros) {
    for (long until = System.nanoTime() + micros * 1000L; System.nanoTime() < until; ) {
      Thread.onSpinWait();
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.module;

import static org.blksnap.ioctl.internal.module.Waits.ID;
import static org.blksnap.ioctl.internal.module.Waits.LONG;
import static org.blksnap.ioctl.internal.module.Waits.control;
import static org.blksnap.ioctl.internal.module.Waits.number;
import static org.blksnap.ioctl.internal.module.Waits.spin;
import static org.blksnap.ioctl.internal.module.Waits.waitOf;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.ioctl.internal.layout.Seed;
import org.blksnap.ioctl.internal.module.Waits.Waiting;
import org.blksnap.spi.module.ModuleEvent;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The kernel's part is played by poll(2) and read(2) of a real pipe, which signals break off. */
@Timeout(120)
class KernelEventWaitTest {
  /** Far above what it takes; a machine that is busy otherwise holds the threads up. */
  private static final long AWAKE_MILLIS = 500;

  @Test
  void aCloseEndsAWaitWithinMilliseconds() throws Exception {
    try (PipeCalls pipe = new PipeCalls();
        Node control = control(pipe)) {
      WakeSignal wake = WakeSignal.find(pipe);
      assertTrue(wake.usable());
      for (int round = 0; round < 20; round++) {
        KernelEventWait wait = waitOf(pipe, control, wake);
        int before = pipe.waits.get();
        Waiting waiting = new Waiting(wait, LONG);
        while (pipe.waits.get() == before) {
          Thread.onSpinWait();
        }
        wait.close();
        assertEquals(Optional.empty(), waiting.after(AWAKE_MILLIS), "round " + round);
        assertEquals(Optional.empty(), wait.next(LONG), "a closed wait waits");
      }
    }
  }

  @Test
  void aTimeoutIsKeptAcrossSignalsAndSlices() throws Exception {
    try (PipeCalls pipe = new PipeCalls();
        Node control = control(pipe)) {
      KernelEventWait wait = waitOf(pipe, control, WakeSignal.find(pipe));
      long began = System.nanoTime();
      assertEquals(Optional.empty(), wait.next(Duration.ofMillis(1100)));
      long passed = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - began);
      assertTrue(passed >= 1100, "ended after " + passed + " ms");
      assertEquals(2, pipe.waits.get(), "slices");
      assertEquals(Optional.empty(), wait.next(Duration.ofSeconds(-1)));
      assertEquals(Optional.empty(), wait.next(Duration.ZERO));
    }
  }

  @Test
  void aSignalBeforeTheCallIsRepeatedUntilTheWaiterIsOut() throws Exception {
    try (PipeCalls pipe = new PipeCalls();
        Node control = control(pipe)) {
      WakeSignal wake = WakeSignal.find(pipe);
      KernelEventWait wait = waitOf(pipe, control, wake);
      pipe.beforeWait = () -> wait.close();
      long began = System.nanoTime();
      assertEquals(Optional.empty(), wait.next(LONG));
      long passed = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - began);
      assertTrue(passed < AWAKE_MILLIS, "took " + passed + " ms, so a slice ended it");
    }
  }

  @Test
  void noSignalReachesTheThreadAfterItsWait() throws Exception {
    try (PipeCalls pipe = new PipeCalls();
        Node control = control(pipe)) {
      WakeSignal wake = WakeSignal.find(pipe);
      AtomicInteger broken = new AtomicInteger();
      for (int round = 0; round < 200; round++) {
        KernelEventWait wait = waitOf(pipe, control, wake);
        Thread waiter =
            new Thread(
                () -> {
                  try {
                    wait.next(LONG);
                  } catch (BlksnapException e) {
                    broken.addAndGet(1000);
                  }
                  if (pipe.poll(5) == -Errno.EINTR.code()) {
                    broken.incrementAndGet();
                  }
                });
        waiter.start();
        spin(100);
        wait.close();
        waiter.join();
      }
      assertEquals(0, broken.get());
    }
  }

  /** A signal still under way is taken there, before the caller goes on. */
  @Test
  void aClosedWaitLeavesByWayOfTheKernel() throws Exception {
    FakeKernel kernel =
        new FakeKernel() {
          @Override
          public int thread() {
            asked.add("thread");
            return 1;
          }
        };
    Node control = control(kernel);
    KernelEventWait wait = waitOf(kernel, control, WakeSignal.find(kernel));
    kernel.on(
        Seed.WAIT_EVENT_CALL,
        argument -> {
          wait.close();
          return -Errno.EINTR.code();
        });
    assertEquals(Optional.empty(), wait.next(LONG));
    assertEquals("thread", kernel.asked.get(kernel.asked.size() - 1), kernel.asked.toString());
    assertEquals(2, kernel.count("thread"), kernel.asked.toString());
  }

  @Test
  void withoutASignalShortSlicesEndTheWait() throws Exception {
    try (PipeCalls pipe =
            new PipeCalls() {
              @Override
              public int handle(int signal) {
                return -Errno.EBUSY.code();
              }
            };
        Node control = control(pipe)) {
      WakeSignal wake = WakeSignal.find(pipe);
      assertFalse(wake.usable());
      KernelEventWait wait = waitOf(pipe, control, wake);
      Waiting waiting = new Waiting(wait, LONG);
      while (pipe.waits.get() < 3) {
        Thread.onSpinWait();
      }
      wait.close();
      assertEquals(Optional.empty(), waiting.after(AWAKE_MILLIS));
    }
  }

  @Test
  void aSecondThreadIsRefused() throws Exception {
    try (PipeCalls pipe = new PipeCalls();
        Node control = control(pipe)) {
      KernelEventWait wait = waitOf(pipe, control, WakeSignal.find(pipe));
      Waiting waiting = new Waiting(wait, LONG);
      while (pipe.waits.get() == 0) {
        Thread.onSpinWait();
      }
      assertEquals(
          Errno.EBUSY, assertThrows(BlksnapException.class, () -> wait.next(LONG)).errno());
      wait.close();
      assertEquals(Optional.empty(), waiting.after(AWAKE_MILLIS));
    }
  }

  @Test
  void errorsOfTheCallEndTheWait() throws Exception {
    FakeKernel kernel = new FakeKernel();
    Node control = control(kernel);
    KernelEventWait wait = waitOf(kernel, control, WakeSignal.find(kernel));
    for (Errno errno : new Errno[] {Errno.ESRCH, Errno.EPERM, Errno.EFAULT, Errno.ENOSPC}) {
      kernel.on(Seed.WAIT_EVENT_CALL, argument -> -errno.code());
      BlksnapException failure =
          assertThrows(BlksnapException.class, () -> wait.next(Duration.ofSeconds(5)));
      assertEquals(errno, failure.errno());
      assertTrue(failure.getMessage().startsWith("snapshot_wait_event of " + ID));
    }
    control.close();
    assertEquals(Errno.EBADF, assertThrows(BlksnapException.class, () -> wait.next(LONG)).errno());
  }

  @Test
  void anInterruptedCallIsMadeAgainForTheRestOfTheTime() throws Exception {
    FakeKernel kernel = new FakeKernel();
    Node control = control(kernel);
    KernelEventWait wait = waitOf(kernel, control, WakeSignal.find(kernel));
    kernel.on(Seed.WAIT_EVENT_CALL, 500, argument -> -Errno.EINTR.code());
    kernel.on(
        Seed.WAIT_EVENT_CALL,
        argument -> {
          Seed.EVENT_CODE.put(argument, Seed.EVENT_LOW_FREE_SPACE);
          argument.putLong(32, 4);
          return 0;
        });
    assertEquals(4, number(wait.next(LONG).orElseThrow()));
  }

  @Test
  void aModuleThatDoesNotWaitIsNotAskedWithoutAPause() throws Exception {
    FakeKernel kernel = new FakeKernel();
    Node control = control(kernel);
    KernelEventWait wait = waitOf(kernel, control, WakeSignal.find(kernel));
    kernel.on(Seed.WAIT_EVENT_CALL, 100_000, argument -> -Errno.ENOENT.code());
    assertEquals(Optional.empty(), wait.next(Duration.ofMillis(200)));
    assertTrue(kernel.arguments.size() <= 25, "asked " + kernel.arguments.size() + " times");
    Thread.currentThread().interrupt();
    assertEquals(Optional.empty(), wait.next(Duration.ofMillis(200)));
    assertTrue(Thread.interrupted(), "the interrupt was swallowed");
    assertTrue(kernel.arguments.size() <= 50, "asked " + kernel.arguments.size() + " times");
  }

  @Test
  void theStructIsMadeAnewForEachCall() throws Exception {
    FakeKernel kernel = new FakeKernel();
    Node control = control(kernel);
    KernelEventWait wait = waitOf(kernel, control, WakeSignal.find(kernel));
    for (int i = 0; i < 2; i++) {
      kernel.on(
          Seed.WAIT_EVENT_CALL,
          argument -> {
            assertEquals(ID, Seed.EVENT_ID.uuid(argument));
            assertEquals(1000, Seed.EVENT_TIMEOUT.get(argument));
            for (int at = 0; at < 4096; at++) {
              argument.put(at, (byte) 0xff);
            }
            return 0;
          });
      assertEquals(new ModuleEvent.Other(-1, -1), wait.next(LONG).orElseThrow());
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.module;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.ioctl.internal.layout.Seed;
import org.blksnap.spi.module.ModuleEvent;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The kernel's part is played by poll(2) and read(2) of a real pipe, which signals break off. */
@Timeout(120)
class KernelEventWaitTest {
  private static final UUID ID = UUID.fromString("01234567-89ab-cdef-fedc-ba9876543210");
  private static final Duration LONG = Duration.ofSeconds(60);

  /** Far above what it takes; a machine that is busy otherwise holds the threads up. */
  private static final long AWAKE_MILLIS = 500;

  /** Said once JNA is there: it draws complaints of its own while it is loaded. */
  private static final String LOADED = "libraries are loaded";

  private static Node control(ModuleCalls calls) throws BlksnapException {
    return Node.open(calls, "/dev/null", Node.O_RDWR);
  }

  private static KernelEventWait wait(ModuleCalls calls, Node control, WakeSignal wake) {
    return new KernelEventWait(
        calls, control, Seed.WAIT_EVENT_CALL, EventCodes.SEED, ID, wake, gone -> {});
  }

  /** What a wait of a thread of its own comes to. */
  private static final class Waiting {
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

  @Test
  void aCloseEndsAWaitWithinMilliseconds() throws Exception {
    try (PipeCalls pipe = new PipeCalls();
        Node control = control(pipe)) {
      WakeSignal wake = WakeSignal.find(pipe);
      assertTrue(wake.usable());
      for (int round = 0; round < 20; round++) {
        KernelEventWait wait = wait(pipe, control, wake);
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

  /** Sequence numbers written to the pipe come out once each and in order, whoever is closed. */
  @Test
  void noEventIsLostOrToldTwiceOverManyCloses() throws Exception {
    long seed = Long.getLong("seed", System.nanoTime());
    Random random = new Random(seed);
    int rounds = Integer.getInteger("rounds", 3000);
    try (PipeCalls pipe = new PipeCalls();
        Node control = control(pipe)) {
      WakeSignal wake = WakeSignal.find(pipe);
      int written = 0;
      int told = 0;
      long longest = 0;
      for (int round = 0; round < rounds; round++) {
        KernelEventWait wait = wait(pipe, control, wake);
        Waiting waiting = new Waiting(wait, LONG);
        spin(random.nextInt(200));
        if (random.nextInt(3) > 0 && written - told < PipeCalls.ROOM) {
          pipe.post(++written);
        }
        spin(random.nextInt(60));
        long closed = System.nanoTime();
        wait.close();
        Object outcome = waiting.after(10_000);
        longest = Math.max(longest, System.nanoTime() - closed);
        assertTrue(outcome instanceof Optional, "seed " + seed + " round " + round + outcome);
        if (((Optional<?>) outcome).isPresent()) {
          assertEquals(++told, number(((Optional<?>) outcome).get()), "seed " + seed);
        }
      }
      KernelEventWait rest = wait(pipe, control, wake);
      Optional<ModuleEvent> left = rest.next(Duration.ZERO);
      while (left.isPresent()) {
        assertEquals(++told, number(left.get()), "seed " + seed);
        left = rest.next(Duration.ZERO);
      }
      assertEquals(written, told, "seed " + seed);
      assertTrue(longest < 2_000_000_000L, "a way out took " + longest + " ns, seed " + seed);
    }
  }

  private static long number(Object event) {
    return ((ModuleEvent.LowFreeSpace) event).requestedBytes() / 512;
  }

  private static void spin(int micros) {
    for (long until = System.nanoTime() + micros * 1000L; System.nanoTime() < until; ) {
      Thread.onSpinWait();
    }
  }

  @Test
  void aTimeoutIsKeptAcrossSignalsAndSlices() throws Exception {
    try (PipeCalls pipe = new PipeCalls();
        Node control = control(pipe)) {
      KernelEventWait wait = wait(pipe, control, WakeSignal.find(pipe));
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
      KernelEventWait wait = wait(pipe, control, wake);
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
        KernelEventWait wait = wait(pipe, control, wake);
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
      KernelEventWait wait = wait(pipe, control, wake);
      Waiting waiting = new Waiting(wait, LONG);
      while (pipe.waits.get() < 3) {
        Thread.onSpinWait();
      }
      wait.close();
      assertEquals(Optional.empty(), waiting.after(AWAKE_MILLIS));
    }
  }

  @Test
  void aSignalOfSomebodyElseIsNotTaken() throws Exception {
    ModuleCalls calls = LibcModuleCalls.load();
    assertEquals(-Errno.EBUSY.code(), calls.handle(11), "the JVM handles SIGSEGV");
    assertEquals(0, calls.handle(WakeSignal.HIGHEST));
    assertEquals(0, calls.handle(WakeSignal.HIGHEST), "our own is taken again");
  }

  @Test
  void aSecondThreadIsRefused() throws Exception {
    try (PipeCalls pipe = new PipeCalls();
        Node control = control(pipe)) {
      KernelEventWait wait = wait(pipe, control, WakeSignal.find(pipe));
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
    KernelEventWait wait = wait(kernel, control, WakeSignal.find(kernel));
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
    KernelEventWait wait = wait(kernel, control, WakeSignal.find(kernel));
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
    KernelEventWait wait = wait(kernel, control, WakeSignal.find(kernel));
    kernel.on(Seed.WAIT_EVENT_CALL, 100_000, argument -> -Errno.ENOENT.code());
    assertEquals(Optional.empty(), wait.next(Duration.ofMillis(200)));
    assertTrue(kernel.arguments.size() <= 25, "asked " + kernel.arguments.size() + " times");
  }

  @Test
  void theStructIsMadeAnewForEachCall() throws Exception {
    FakeKernel kernel = new FakeKernel();
    Node control = control(kernel);
    KernelEventWait wait = wait(kernel, control, WakeSignal.find(kernel));
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

  /** The JVM itself watches its own signals and natives while waits are closed. */
  @Test
  void theJvmDoesNotComplain() throws Exception {
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xcheck:jni",
                "-Djava.io.tmpdir=" + System.getProperty("java.io.tmpdir"),
                "-cp",
                System.getProperty("java.class.path"),
                KernelEventWaitTest.class.getName())
            .redirectErrorStream(true)
            .start();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, process.waitFor(), said);
    assertTrue(said.contains("rounds are done"), said);
    String during = said.substring(said.indexOf(LOADED));
    assertFalse(during.contains("WARNING") || during.contains("FATAL"), said);
  }

  /** Rounds for a JVM of its own, with a garbage collector at work. */
  public static void main(String[] args) throws Exception {
    Thread litter =
        new Thread(
            () -> {
              for (ByteBuffer kept = null; ; kept = ByteBuffer.allocate(1 << 16)) {
                if (kept != null && kept.capacity() == 0) {
                  return;
                }
              }
            });
    litter.setDaemon(true);
    litter.start();
    new PipeCalls().close();
    System.out.println(LOADED);
    new KernelEventWaitTest().noEventIsLostOrToldTwiceOverManyCloses();
    System.out.println("rounds are done");
  }
}

// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.module;

import static org.blksnap.ioctl.internal.module.Waits.LONG;
import static org.blksnap.ioctl.internal.module.Waits.control;
import static org.blksnap.ioctl.internal.module.Waits.number;
import static org.blksnap.ioctl.internal.module.Waits.spin;
import static org.blksnap.ioctl.internal.module.Waits.waitOf;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.Random;
import org.blksnap.ioctl.internal.module.Waits.Waiting;
import org.blksnap.spi.module.ModuleEvent;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Many waits, closed at any moment of theirs, against a real pipe. */
@Timeout(120)
class EventStressTest {
  /** Said once JNA is there: it draws complaints of its own while it is loaded. */
  private static final String LOADED = "libraries are loaded";

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
        KernelEventWait wait = waitOf(pipe, control, wake);
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
      KernelEventWait rest = waitOf(pipe, control, wake);
      Optional<ModuleEvent> left = rest.next(Duration.ZERO);
      while (left.isPresent()) {
        assertEquals(++told, number(left.get()), "seed " + seed);
        left = rest.next(Duration.ZERO);
      }
      assertEquals(written, told, "seed " + seed);
      assertTrue(longest < 2_000_000_000L, "a way out took " + longest + " ns, seed " + seed);
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
                EventStressTest.class.getName())
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
    new EventStressTest().noEventIsLostOrToldTwiceOverManyCloses();
    System.out.println("rounds are done");
  }
}

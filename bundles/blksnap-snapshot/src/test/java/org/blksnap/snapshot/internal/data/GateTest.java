// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class GateTest {
  private static final Duration SECOND = Duration.ofSeconds(1);

  private final Gate gate = new Gate("test");

  @Test
  void requestsPassAnOpenGateTogether() throws Exception {
    int one = gate.enter(false);
    int two = gate.enter(false);
    gate.exit(one);
    gate.exit(two);
    gate.close(SECOND);
    gate.open();
  }

  @Test
  void closeWaitsForThoseInside() throws Exception {
    int ticket = gate.enter(false);
    BlksnapException refused =
        assertThrows(BlksnapException.class, () -> gate.close(Duration.ofMillis(30)));
    assertEquals(Errno.ETIMEDOUT, refused.errno());
    assertFalse(gate.isClosed(), "a close that gave up leaves the gate open");
    gate.exit(ticket);
    gate.close(SECOND);
    assertTrue(gate.isClosed());
    gate.open();
  }

  @Test
  void whoWaitsInsideForSomethingSlowIsSentAwaySoThatTheGateCloses() throws Exception {
    CountDownLatch sentAway = new CountDownLatch(1);
    CountDownLatch inside = new CountDownLatch(1);
    Gate slow = new Gate("slow", sentAway::countDown);
    AtomicBoolean cameAgain = new AtomicBoolean();
    Thread writer =
        new Thread(
            () -> {
              try {
                int ticket = slow.enter(false);
                inside.countDown();
                sentAway.await();
                slow.exit(ticket);
                slow.exit(slow.enter(false));
                cameAgain.set(true);
              } catch (BlksnapException | InterruptedException e) {
                throw new IllegalStateException(e);
              }
            });
    writer.start();
    inside.await();
    slow.close(Duration.ofSeconds(30));
    assertFalse(cameAgain.get());
    slow.open();
    writer.join();
    assertTrue(cameAgain.get());
  }

  @Test
  void aShutGateLetsNobodyInWhileItEmpties() throws Exception {
    int ticket = gate.enter(false);
    gate.shut(SECOND);
    assertThrows(BlksnapException.class, () -> gate.enter(true));
    long past = System.nanoTime();
    assertThrows(BlksnapException.class, () -> gate.awaitEmpty(past, SECOND));
    assertTrue(gate.isClosed(), "whoever shut it opens it");
    gate.exit(ticket);
    gate.awaitEmpty(System.nanoTime() + SECOND.toNanos(), SECOND);
    gate.open();
    gate.exit(gate.enter(true));
  }

  @Test
  void whatShutsOutChangesNeitherStopsNorAwaitsSteadyRequests() throws Exception {
    int slowRead = gate.enterSteady();
    gate.shut(SECOND);
    gate.awaitEmpty(System.nanoTime() + SECOND.toNanos(), SECOND);
    gate.exit(gate.enterSteady());
    gate.open();
    assertThrows(BlksnapException.class, () -> gate.close(Duration.ofMillis(30)));
    gate.exit(slowRead);
    gate.close(SECOND);
    gate.open();
  }

  @Test
  void aClosedGateHoldsSteadyRequests() throws Exception {
    gate.close(SECOND);
    CountDownLatch passed = new CountDownLatch(1);
    Thread read =
        new Thread(
            () -> {
              try {
                gate.exit(gate.enterSteady());
                passed.countDown();
              } catch (BlksnapException e) {
                throw new AssertionError(e);
              }
            });
    read.start();
    assertFalse(passed.await(50, TimeUnit.MILLISECONDS));
    gate.open();
    assertTrue(passed.await(10, TimeUnit.SECONDS));
    read.join();
  }

  @Test
  void aRequestThatMustNotWaitIsAnsweredEagain() throws Exception {
    gate.close(SECOND);
    assertEquals(
        Errno.EAGAIN, assertThrows(BlksnapException.class, () -> gate.enter(true)).errno());
    gate.open();
    gate.exit(gate.enter(true));
  }

  @Test
  void oneThreadClosesAndAnotherOpens() throws Exception {
    gate.close(SECOND);
    CountDownLatch passed = new CountDownLatch(1);
    Thread request =
        new Thread(
            () -> {
              try {
                gate.exit(gate.enter(false));
                passed.countDown();
              } catch (BlksnapException e) {
                throw new AssertionError(e);
              }
            });
    request.start();
    Thread opener = new Thread(gate::open);
    opener.start();
    assertTrue(passed.await(10, TimeUnit.SECONDS));
    request.join();
    opener.join();
  }

  @Test
  void anInterruptDoesNotThrowARequestOutAndIsNotForgotten() throws Exception {
    gate.close(SECOND);
    AtomicBoolean keptFlag = new AtomicBoolean();
    CountDownLatch passed = new CountDownLatch(1);
    Thread request =
        new Thread(
            () -> {
              try {
                gate.exit(gate.enter(false));
                keptFlag.set(Thread.currentThread().isInterrupted());
                passed.countDown();
              } catch (BlksnapException e) {
                throw new AssertionError(e);
              }
            });
    request.start();
    request.interrupt();
    assertFalse(passed.await(50, TimeUnit.MILLISECONDS));
    gate.open();
    assertTrue(passed.await(10, TimeUnit.SECONDS));
    assertTrue(keptFlag.get());
    request.join();
  }

  @Test
  void closedTimeIsCounted() throws Exception {
    gate.close(SECOND);
    gate.open();
    gate.close(SECOND);
    gate.open();
    assertEquals(2, gate.statistics().closings());
    assertTrue(gate.statistics().total().compareTo(gate.statistics().maximum()) >= 0);
  }

  /**
   * Writers change two plain numbers that only agree while nobody is half-way; the closer must
   * never see them differ.
   */
  @Test
  void nobodyIsEverInsideAClosedGate() throws Exception {
    AtomicInteger inside = new AtomicInteger();
    AtomicBoolean stop = new AtomicBoolean();
    List<Thread> requests = new ArrayList<>();
    for (int i = 0; i < 6; i++) {
      Thread thread =
          new Thread(
              () -> {
                while (!stop.get()) {
                  try {
                    int ticket = gate.enter(false);
                    inside.incrementAndGet();
                    Thread.onSpinWait();
                    inside.decrementAndGet();
                    gate.exit(ticket);
                  } catch (BlksnapException e) {
                    throw new AssertionError(e);
                  }
                }
              });
      thread.start();
      requests.add(thread);
    }
    for (int round = 0; round < 3000; round++) {
      gate.close(Duration.ofSeconds(10));
      assertEquals(0, inside.get(), "round " + round);
      gate.open();
    }
    stop.set(true);
    for (Thread thread : requests) {
      thread.join();
    }
  }
}

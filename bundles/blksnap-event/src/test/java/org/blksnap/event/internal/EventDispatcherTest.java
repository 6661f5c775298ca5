// SPDX-License-Identifier: Apache-2.0
package org.blksnap.event.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.blksnap.api.event.BlksnapEvent;
import org.blksnap.api.event.BlksnapEventListener;
import org.blksnap.enginebase.backlog.Backlog;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class EventDispatcherTest {
  private final DispatchingEventProvider provider = new DispatchingEventProvider();
  private final List<BlksnapEvent> told = Collections.synchronizedList(new ArrayList<>());

  private static BlksnapEvent event(long number) {
    return new BlksnapEvent.Destroyed(Instant.EPOCH, "userspace", new UUID(0, number));
  }

  @AfterEach
  void tearDown() {
    provider.close();
    provider.close();
  }

  @Test
  void listenersAreToldInOrderAndClosingDrains() {
    provider.addListener(told::add);
    List<BlksnapEvent> offered = new ArrayList<>();
    for (int i = 0; i < Backlog.LIMIT; i++) {
      offered.add(event(i));
      provider.offer(event(i));
    }
    provider.close();
    assertEquals(offered, told);
    provider.offer(event(-1));
    assertEquals(offered.size(), told.size());
  }

  @Test
  void aListenerThatThrowsGoesOnBeingCalled() {
    provider.addListener(
        e -> {
          told.add(e);
          throw new IllegalStateException("thrown by the test");
        });
    provider.addListener(
        e -> {
          told.add(e);
          throw new NoClassDefFoundError("thrown by the test");
        });
    String log =
        logOf(
            () -> {
              provider.offer(event(1));
              provider.offer(event(2));
              provider.close();
            });
    assertEquals(4, told.size());
    assertEquals(2, Collections.frequency(told, event(1)));
    assertEquals(2, Collections.frequency(told, event(2)));
    assertTrue(log.contains("failed on"), log);
  }

  @Test
  void aListenerThatLeavesItsThreadInterruptedGoesOnBeingCalled() throws Exception {
    provider.addListener(
        e -> {
          if (!Thread.currentThread().isInterrupted()) {
            told.add(e);
          }
          Thread.currentThread().interrupt();
        });
    for (int i = 0; i < 3; i++) {
      provider.offer(event(i));
      while (told.size() <= i) {
        Thread.sleep(1); // so that the dispatcher waits in between
      }
    }
    provider.close();
    assertEquals(List.of(event(0), event(1), event(2)), told);
  }

  @Test
  void aListenerThatThrowsAnyErrorGoesOnBeingCalled() {
    provider.addListener(
        e -> {
          told.add(e);
          throw new OutOfMemoryError("thrown by the test");
        });
    logOf(
        () -> {
          provider.offer(event(1));
          provider.offer(event(2));
          provider.close();
        });
    assertEquals(List.of(event(1), event(2)), told);
  }

  @Test
  void aListenerThatHangsIsReportedAndNeverBlocksAnOffer() throws Exception {
    CountDownLatch release = new CountDownLatch(1);
    CountDownLatch inside = new CountDownLatch(1);
    provider.addListener(
        e -> {
          inside.countDown();
          try {
            release.await();
          } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
          }
          told.add(e);
        });
    String log =
        logOf(
            () -> {
              provider.offer(event(0));
              inside.await();
              long until = System.nanoTime() + ListenerThread.SLOW.toNanos();
              long offered = 0;
              while (System.nanoTime() <= until) {
                provider.offer(event(++offered));
                Thread.sleep(1);
              }
              provider.offer(event(++offered));
              release.countDown();
              provider.close();
            });
    assertTrue(log.contains("has not returned for more than 1000 ms"), log);
    assertTrue(log.matches("(?s).*took \\d+ ms for.*"), log);
    assertTrue(told.size() > 1);
  }

  /** Its name is foreign code as well: it must not run where events are offered. */
  @Test
  void aListenerThatHangsHoldsUpNoOther() throws Exception {
    CountDownLatch release = new CountDownLatch(1);
    CountDownLatch inside = new CountDownLatch(1);
    provider.addListener(
        new BlksnapEventListener() {
          @Override
          public void onEvent(BlksnapEvent event) {
            inside.countDown();
            try {
              release.await();
            } catch (InterruptedException e) {
              Thread.currentThread().interrupt();
            }
          }

          @Override
          public String toString() {
            throw new IllegalStateException("thrown by the test");
          }
        });
    provider.offer(event(0));
    inside.await();
    provider.addListener(told::add);
    int threads = threadsOfListeners();
    for (int i = 1; i <= 100; i++) {
      provider.offer(event(i));
    }
    while (told.size() < 100) {
      Thread.sleep(1);
    }
    assertEquals(threads, threadsOfListeners());
    release.countDown();
  }

  private static int threadsOfListeners() {
    return (int)
        Thread.getAllStackTraces().keySet().stream()
            .filter(thread -> thread.getName().startsWith("blksnap-event-listener-"))
            .count();
  }

  @Test
  void aListenerThatHangsIsAFindingUntilItIsReplaced() throws Exception {
    CountDownLatch interrupted = new CountDownLatch(1);
    CountDownLatch inside = new CountDownLatch(1);
    BlksnapEventListener hanging =
        e -> {
          inside.countDown();
          try {
            Thread.sleep(3_600_000);
          } catch (InterruptedException expected) {
            interrupted.countDown();
          }
        };
    provider.addListener(hanging);
    assertEquals(List.of(), provider.examine());
    provider.offer(event(0));
    inside.await();
    while (provider.examine().isEmpty()) {
      Thread.sleep(10);
    }
    assertTrue(provider.examine().get(0).observation().contains("has not returned from onEvent"));
    provider.removeListener(hanging);
    assertEquals(List.of(), provider.examine());
    assertTrue(interrupted.await(30, TimeUnit.SECONDS));
  }

  @Test
  void closingIsBoundedWhenAListenerHangs() throws Exception {
    CountDownLatch interrupted = new CountDownLatch(1);
    provider.addListener(
        e -> {
          try {
            Thread.sleep(50_000);
          } catch (InterruptedException expected) {
            interrupted.countDown();
          }
        });
    provider.offer(event(1));
    long start = System.nanoTime();
    provider.close();
    assertTrue(System.nanoTime() - start < 10 * ListenerThread.DRAIN_LIMIT.toNanos());
    assertTrue(interrupted.await(10, TimeUnit.SECONDS));
  }

  @Test
  void aRemovedListenerIsNotCalled() {
    BlksnapEventListener listener = told::add;
    provider.addListener(listener);
    provider.removeListener(listener);
    provider.offer(event(1));
    provider.close();
    assertTrue(told.isEmpty());
  }

  @Test
  void overflowIsCountedInTheLog() throws Exception {
    CountDownLatch release = new CountDownLatch(1);
    CountDownLatch inside = new CountDownLatch(1);
    provider.addListener(
        e -> {
          inside.countDown();
          try {
            release.await();
          } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
          }
          told.add(e);
        });
    String log =
        logOf(
            () -> {
              provider.offer(event(0));
              inside.await();
              for (int i = 1; i <= Backlog.LIMIT + 5; i++) {
                provider.offer(event(i));
              }
              release.countDown();
              provider.close();
            });
    assertTrue(log.contains("5 events were dropped"), log);
    assertEquals(Backlog.LIMIT + 1, told.size());
    assertFalse(told.contains(event(Backlog.LIMIT + 1)));
  }

  private static String logOf(org.junit.jupiter.api.function.Executable action) {
    PrintStream before = System.err;
    ByteArrayOutputStream log = new ByteArrayOutputStream();
    System.setErr(new PrintStream(log, true, StandardCharsets.UTF_8));
    try {
      action.execute();
    } catch (Throwable e) {
      throw new AssertionError(e);
    } finally {
      System.setErr(before);
    }
    return log.toString(StandardCharsets.UTF_8);
  }
}

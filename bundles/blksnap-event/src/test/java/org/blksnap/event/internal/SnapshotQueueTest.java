// SPDX-License-Identifier: Apache-2.0
package org.blksnap.event.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.event.BlksnapEvent;
import org.blksnap.spi.event.EventQueue;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class SnapshotQueueTest {
  private static final UUID ID = new UUID(1, 2);
  private final EventQueue queue = new SnapshotQueue(ID, List.of());

  private static BlksnapEvent.LowFreeSpace low(long number) {
    return new BlksnapEvent.LowFreeSpace(number, ID, number);
  }

  private static BlksnapEvent.Corrupted corrupted(String device) {
    return new BlksnapEvent.Corrupted(0, ID, device, 8, 1, Errno.EIO, "test");
  }

  private static Errno errno(EventQueue queue, Duration timeout) {
    return assertThrows(BlksnapException.class, () -> queue.poll(timeout)).errno();
  }

  /** A thread that waits for an event, surely within the wait. */
  private static Thread waiting(EventQueue queue, CompletableFuture<BlksnapEvent> answer) {
    Thread thread =
        new Thread(
            () -> {
              try {
                answer.complete(queue.poll(Duration.ofSeconds(50)));
              } catch (BlksnapException e) {
                answer.completeExceptionally(e);
              }
            });
    thread.start();
    while (thread.getState() != Thread.State.TIMED_WAITING) {
      Thread.onSpinWait();
    }
    return thread;
  }

  private static Errno errno(CompletableFuture<BlksnapEvent> answer) throws Exception {
    ExecutionException e =
        assertThrows(ExecutionException.class, () -> answer.get(10, TimeUnit.SECONDS));
    return ((BlksnapException) e.getCause()).errno();
  }

  @Test
  void eventsComeOldestFirst() throws Exception {
    queue.offer(low(1));
    queue.offer(corrupted("sda"));
    queue.offer(low(2));
    assertEquals(low(1), queue.poll(Duration.ZERO));
    assertEquals(corrupted("sda"), queue.poll(Duration.ZERO));
    assertEquals(low(2), queue.poll(Duration.ZERO));
  }

  @Test
  void takenAndDestroyedAreNotForWaiters() {
    queue.offer(new BlksnapEvent.Taken(1, ID, List.of("sda"), false));
    queue.offer(new BlksnapEvent.Destroyed(2, ID));
    assertEquals(Errno.ENOENT, errno(queue, Duration.ZERO));
  }

  @Test
  void defect6TheWaitIsInMilliseconds() {
    long start = System.nanoTime();
    assertEquals(Errno.ENOENT, errno(queue, Duration.ofMillis(120)));
    long millis = (System.nanoTime() - start) / 1_000_000;
    assertTrue(millis >= 120, millis + " ms");
    assertTrue(millis < 5_000, millis + " ms");
  }

  @Test
  void noTimeAtAllAsksOnce() {
    assertEquals(Errno.ENOENT, errno(queue, Duration.ZERO));
    assertEquals(Errno.ENOENT, errno(queue, Duration.ofSeconds(Long.MIN_VALUE)));
  }

  @Test
  void anOfferWakesAWaiterOfAnyTimeout() throws Exception {
    CompletableFuture<BlksnapEvent> answer = new CompletableFuture<>();
    Thread waiter =
        new Thread(
            () -> {
              try {
                answer.complete(queue.poll(Duration.ofSeconds(Long.MAX_VALUE)));
              } catch (BlksnapException e) {
                answer.completeExceptionally(e);
              }
            });
    waiter.start();
    while (waiter.getState() != Thread.State.TIMED_WAITING) {
      Thread.onSpinWait();
    }
    queue.offer(low(7));
    assertEquals(low(7), answer.get(10, TimeUnit.SECONDS));
  }

  @Test
  void anInterruptedWaitIsEintrAndStaysInterrupted() throws Exception {
    CompletableFuture<BlksnapEvent> answer = new CompletableFuture<>();
    Thread waiter = waiting(queue, answer);
    waiter.interrupt();
    assertEquals(Errno.EINTR, errno(answer));
  }

  @Test
  void closingWakesWaitersWithEsrch() throws Exception {
    CompletableFuture<BlksnapEvent> answer = new CompletableFuture<>();
    waiting(queue, answer);
    queue.close();
    queue.close();
    assertEquals(Errno.ESRCH, errno(answer));
    queue.offer(low(1));
    assertEquals(Errno.ESRCH, errno(queue, Duration.ZERO));
  }

  @Test
  void handingOverWakesWaitersWithEstaleAndGivesWhatIsLeft() throws Exception {
    CompletableFuture<BlksnapEvent> answer = new CompletableFuture<>();
    waiting(queue, answer);
    assertEquals(List.of(), queue.handOver());
    assertEquals(Errno.ESTALE, errno(answer));
    queue.close();
    assertEquals(Errno.ESTALE, errno(queue, Duration.ZERO));

    EventQueue full = new SnapshotQueue(ID, List.of(low(1), corrupted("sda")));
    full.offer(low(2));
    EventQueue successor = new SnapshotQueue(ID, full.handOver());
    assertEquals(low(1), successor.poll(Duration.ZERO));
    assertEquals(corrupted("sda"), successor.poll(Duration.ZERO));
    assertEquals(low(2), successor.poll(Duration.ZERO));
  }

  @Test
  void aFullQueueDropsTheOldestLowFreeSpace() throws Exception {
    queue.offer(corrupted("sda"));
    for (int i = 0; i < Backlog.LIMIT + 9; i++) {
      queue.offer(low(i));
    }
    queue.offer(corrupted("sdb"));
    List<BlksnapEvent.OfSnapshot> left = queue.handOver();
    assertEquals(Backlog.LIMIT, left.size());
    assertEquals(corrupted("sda"), left.get(0));
    assertEquals(low(11), left.get(1));
    assertEquals(corrupted("sdb"), left.get(left.size() - 1));
  }

  @Test
  void aQueueFullOfCorruptedKeepsThemAllAndOneADevice() {
    for (int i = 0; i < Backlog.LIMIT + 3; i++) {
      queue.offer(corrupted("sd" + i));
      queue.offer(corrupted("sd" + i % Backlog.LIMIT));
    }
    queue.offer(low(1));
    List<String> devices =
        queue.handOver().stream()
            .map(e -> ((BlksnapEvent.Corrupted) e).device())
            .distinct()
            .toList();
    assertTrue(devices.size() >= Backlog.LIMIT / 2 + 3, "devices " + devices.size());
    assertTrue(devices.contains("sd" + (Backlog.LIMIT + 2)));
  }

  @Test
  void eachEventIsTakenExactlyOnceAndInOrder() throws Exception {
    int offerers = 4;
    int takers = 4;
    int each = 50_000;
    ConcurrentHashMap<Long, Boolean> seen = new ConcurrentHashMap<>();
    AtomicReference<String> failure = new AtomicReference<>();
    CountDownLatch done = new CountDownLatch(offerers * each);
    java.util.concurrent.Semaphore room = new java.util.concurrent.Semaphore(Backlog.LIMIT);
    List<Thread> threads = new ArrayList<>();
    for (int t = 0; t < takers; t++) {
      threads.add(
          new Thread(
              () -> {
                long[] last = new long[offerers];
                while (true) {
                  try {
                    BlksnapEvent.LowFreeSpace event =
                        (BlksnapEvent.LowFreeSpace) queue.poll(Duration.ofMillis(3));
                    room.release();
                    long number = event.requestedSectors();
                    int offerer = (int) event.timeLabel();
                    if (seen.put(((long) offerer << 32) | number, true) != null) {
                      failure.set("twice: " + event);
                    }
                    if (number <= last[offerer]) {
                      failure.set("out of order: " + event + " after " + last[offerer]);
                    }
                    last[offerer] = number;
                    done.countDown();
                  } catch (BlksnapException e) {
                    if (e.errno() == Errno.ESRCH) {
                      return;
                    }
                  }
                }
              }));
    }
    for (int o = 0; o < offerers; o++) {
      int offerer = o;
      threads.add(
          new Thread(
              () -> {
                for (int i = 1; i <= each; i++) {
                  room.acquireUninterruptibly();
                  queue.offer(new BlksnapEvent.LowFreeSpace(offerer, ID, i));
                }
              }));
    }
    threads.forEach(Thread::start);
    assertTrue(done.await(50, TimeUnit.SECONDS), done.getCount() + " missing");
    queue.close();
    for (Thread thread : threads) {
      thread.join();
    }
    assertEquals(null, failure.get());
    assertEquals(offerers * each, seen.size());
  }
}

// SPDX-License-Identifier: Apache-2.0
package org.blksnap.contract;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.event.BlksnapEvent;
import org.blksnap.api.snapshot.Consistency;
import org.blksnap.spi.event.EventQueue;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** {@link EventQueue}. */
@Timeout(60)
public abstract class EventQueueContract {
  protected static final UUID ID = new UUID(1, 2);

  /** More than any queue keeps. */
  private static final int FLOOD = 100_000;

  /** Events under way at once where none may be dropped; fewer than any queue keeps. */
  private static final int ROOM = 64;

  protected EventQueue queue;

  /** A queue of the snapshot {@link #ID}, with what a predecessor had left in it. */
  protected abstract EventQueue open(List<BlksnapEvent.OfSnapshot> left);

  @BeforeEach
  void openEmpty() {
    queue = open(List.of());
  }

  protected static BlksnapEvent.LowFreeSpace low(long number) {
    return new BlksnapEvent.LowFreeSpace(number, ID, number);
  }

  protected static BlksnapEvent.Corrupted corrupted(String device) {
    return new BlksnapEvent.Corrupted(0, ID, device, 8, 1, Errno.EIO, "test");
  }

  private Errno poll(Duration timeout) {
    return assertThrows(BlksnapException.class, () -> queue.poll(timeout)).errno();
  }

  /** A thread that waits for an event, surely within the wait. */
  private Thread waiting(Duration timeout, CompletableFuture<BlksnapEvent> answer) {
    Thread thread =
        new Thread(
            () -> {
              try {
                answer.complete(queue.poll(timeout));
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

  private static Errno errno(CompletableFuture<BlksnapEvent> answer) {
    ExecutionException e =
        assertThrows(ExecutionException.class, () -> answer.get(10, TimeUnit.SECONDS));
    return BlksnapException.errnoOf(e.getCause());
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
    queue.offer(new BlksnapEvent.Taken(1, ID, List.of("sda"), Consistency.CRASH, List.of()));
    queue.offer(new BlksnapEvent.Destroyed(2, ID));
    assertEquals(Errno.ENOENT, poll(Duration.ZERO));
  }

  @Test
  void defect6TheWaitIsInMilliseconds() {
    long start = System.nanoTime();
    assertEquals(Errno.ENOENT, poll(Duration.ofMillis(120)));
    long millis = (System.nanoTime() - start) / 1_000_000;
    assertTrue(millis >= 120, millis + " ms");
    assertTrue(millis < 5_000, millis + " ms");
  }

  @Test
  void noTimeAtAllAsksOnce() {
    assertEquals(Errno.ENOENT, poll(Duration.ZERO));
    assertEquals(Errno.ENOENT, poll(Duration.ofSeconds(Long.MIN_VALUE)));
  }

  @Test
  void anOfferWakesAWaiterOfAnyTimeout() throws Exception {
    CompletableFuture<BlksnapEvent> answer = new CompletableFuture<>();
    waiting(Duration.ofSeconds(Long.MAX_VALUE), answer);
    queue.offer(low(7));
    assertEquals(low(7), answer.get(10, TimeUnit.SECONDS));
  }

  @Test
  void anInterruptedWaitIsEintrAndStaysInterrupted() throws Exception {
    CompletableFuture<BlksnapEvent> answer = new CompletableFuture<>();
    waiting(Duration.ofSeconds(50), answer).interrupt();
    assertEquals(Errno.EINTR, errno(answer));
    Thread.currentThread().interrupt();
    assertEquals(Errno.EINTR, poll(Duration.ofSeconds(50)));
    assertTrue(Thread.interrupted());
  }

  @Test
  void closingWakesWaitersWithEsrchAndMayBeRepeated() {
    CompletableFuture<BlksnapEvent> answer = new CompletableFuture<>();
    waiting(Duration.ofSeconds(50), answer);
    queue.close();
    queue.close();
    assertEquals(Errno.ESRCH, errno(answer));
    queue.offer(low(1));
    assertEquals(Errno.ESRCH, poll(Duration.ZERO));
  }

  @Test
  void handingOverWakesWaitersWithEstale() {
    CompletableFuture<BlksnapEvent> answer = new CompletableFuture<>();
    waiting(Duration.ofSeconds(50), answer);
    assertEquals(List.of(), queue.handOver());
    assertEquals(Errno.ESTALE, errno(answer));
    queue.close();
    assertEquals(Errno.ESTALE, poll(Duration.ZERO));
  }

  @Test
  void aSuccessorGoesOnWithWhatIsLeftInOrder() throws Exception {
    EventQueue full = open(List.of(low(1), corrupted("sda")));
    full.offer(low(2));
    EventQueue successor = open(full.handOver());
    successor.offer(low(3));
    assertEquals(low(1), successor.poll(Duration.ZERO));
    assertEquals(corrupted("sda"), successor.poll(Duration.ZERO));
    assertEquals(low(2), successor.poll(Duration.ZERO));
    assertEquals(low(3), successor.poll(Duration.ZERO));
  }

  @Test
  void aFloodOfLowSpaceIsBoundedAndLosesNoCorruption() {
    queue.offer(corrupted("sda"));
    for (int i = 0; i < FLOOD; i++) {
      queue.offer(low(i));
    }
    queue.offer(corrupted("sdb"));
    List<BlksnapEvent.OfSnapshot> left = queue.handOver();
    assertTrue(left.size() < FLOOD, left.size() + " events are kept");
    assertEquals(corrupted("sda"), left.get(0));
    assertEquals(low(FLOOD - 1), left.get(left.size() - 2), "the oldest goes first");
    assertEquals(corrupted("sdb"), left.get(left.size() - 1));
  }

  @Test
  void eachEventIsTakenExactlyOnceAndInOrder() throws Exception {
    int offerers = 4;
    int each = 20_000;
    ConcurrentHashMap<Long, Boolean> seen = new ConcurrentHashMap<>();
    CountDownLatch missing = new CountDownLatch(offerers * each);
    Semaphore room = new Semaphore(ROOM);
    Threads.run(
        2 * offerers,
        thread -> {
          if (thread < offerers) {
            for (int i = 1; i <= each; i++) {
              assertTrue(room.tryAcquire(50, TimeUnit.SECONDS), "nobody takes");
              queue.offer(new BlksnapEvent.LowFreeSpace(thread, ID, i));
            }
          } else {
            take(new long[offerers], seen, missing, room);
          }
        });
    assertEquals(offerers * each, seen.size());
  }

  private void take(
      long[] last, ConcurrentHashMap<Long, Boolean> seen, CountDownLatch missing, Semaphore room) {
    while (missing.getCount() > 0) {
      try {
        BlksnapEvent.LowFreeSpace event =
            (BlksnapEvent.LowFreeSpace) queue.poll(Duration.ofMillis(3));
        room.release();
        int offerer = (int) event.timeLabel();
        long number = event.requestedSectors();
        assertEquals(null, seen.put(((long) offerer << 32) | number, true), "taken twice");
        assertTrue(number > last[offerer], number + " came after " + last[offerer]);
        last[offerer] = number;
        missing.countDown();
      } catch (BlksnapException e) {
        assertEquals(Errno.ENOENT, e.errno());
      }
    }
  }
}

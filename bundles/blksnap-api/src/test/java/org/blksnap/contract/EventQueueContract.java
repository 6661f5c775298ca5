// SPDX-License-Identifier: Apache-2.0
package org.blksnap.contract;

import static org.blksnap.contract.SnapshotEvents.corrupted;
import static org.blksnap.contract.SnapshotEvents.destroyed;
import static org.blksnap.contract.SnapshotEvents.low;
import static org.blksnap.contract.SnapshotEvents.taken;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.event.BlksnapEvent;
import org.blksnap.api.event.EventSubscription;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** {@code Snapshot.waitEvent} and {@code Snapshot.acknowledge}: one queue, an event for one. */
@Timeout(60)
public abstract class EventQueueContract {
  /** More than any queue keeps. */
  private static final int FLOOD = 100_000;

  /** Events under way at once where none may be dropped; fewer than any queue keeps. */
  private static final int ROOM = 64;

  private SnapshotEvents snapshot;

  /** A new snapshot to which nothing has happened. */
  protected abstract SnapshotEvents open();

  @BeforeEach
  void openOne() {
    snapshot = open();
  }

  private Errno poll(Duration timeout) {
    return assertThrows(BlksnapException.class, () -> snapshot.waitEvent(timeout)).errno();
  }

  private Waits waiting(Duration timeout) {
    return Waits.in(() -> snapshot.waitEvent(timeout));
  }

  private List<BlksnapEvent.OfSnapshot> all() throws BlksnapException {
    List<BlksnapEvent.OfSnapshot> all = new ArrayList<>();
    while (true) {
      try {
        all.add(snapshot.waitEvent(Duration.ZERO));
      } catch (BlksnapException e) {
        assertEquals(Errno.ENOENT, e.errno());
        return all;
      }
    }
  }

  @Test
  void eventsComeOldestFirst() throws Exception {
    List<BlksnapEvent.OfSnapshot> events = List.of(low(1), corrupted("sda"), low(2));
    events.forEach(snapshot::offer);
    assertEquals(events, all());
  }

  @Test
  void takenAndDestroyedAreNotForWaiters() {
    snapshot.offer(taken());
    snapshot.offer(destroyed());
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
    Waits waiter = waiting(Duration.ofSeconds(Long.MAX_VALUE));
    snapshot.offer(low(7));
    assertEquals(low(7), waiter.event());
  }

  @Test
  void anInterruptedWaitIsEintrAndStaysInterrupted() {
    Waits waiter = waiting(Duration.ofSeconds(50));
    waiter.interrupt();
    assertEquals(Errno.EINTR, waiter.errno());
    Thread.currentThread().interrupt();
    assertEquals(Errno.EINTR, poll(Duration.ofSeconds(50)));
    assertTrue(Thread.interrupted());
  }

  @Test
  void aDestructionWakesWaitersWithEsrch() {
    Waits waiter = waiting(Duration.ofSeconds(50));
    snapshot.destroy();
    assertEquals(Errno.ESRCH, waiter.errno());
    snapshot.offer(low(1));
    assertEquals(Errno.ESRCH, poll(Duration.ZERO));
  }

  @Test
  void theEnginesStopWakesWaitersWithEshutdown() {
    Waits waiter = waiting(Duration.ofSeconds(50));
    snapshot.stop();
    assertEquals(Errno.ESHUTDOWN, waiter.errno());
    snapshot.offer(low(1));
    assertEquals(Errno.ESHUTDOWN, poll(Duration.ZERO));
  }

  @Test
  void anEventThatWasAcknowledgedIsNotThereAnyMore() throws Exception {
    BlksnapEvent.OfSnapshot first = low(1);
    BlksnapEvent.OfSnapshot alike = low(1);
    snapshot.offer(first);
    snapshot.offer(alike);
    assertTrue(snapshot.acknowledge(alike));
    assertFalse(snapshot.acknowledge(alike));
    assertEquals(List.of(first), all());
    assertFalse(snapshot.acknowledge(first));
    snapshot.offer(low(2));
    snapshot.destroy();
    assertFalse(snapshot.acknowledge(first));
  }

  @Test
  void aSubscriberTakesNothingAway() throws Exception {
    snapshot.offer(low(1));
    try (EventSubscription subscription = snapshot.subscribe()) {
      snapshot.offer(low(2));
      subscription.next(Duration.ZERO);
      subscription.next(Duration.ZERO);
    }
    assertEquals(List.of(low(1), low(2)), all());
  }

  @Test
  void aFloodOfLowSpaceIsBoundedAndLosesNoCorruption() throws Exception {
    snapshot.offer(corrupted("sda"));
    for (int i = 0; i < FLOOD; i++) {
      snapshot.offer(low(i));
    }
    snapshot.offer(corrupted("sdb"));
    List<BlksnapEvent.OfSnapshot> left = all();
    assertTrue(left.size() <= EventSubscription.CAPACITY + 2, left.size() + " events are kept");
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
              snapshot.offer(
                  new BlksnapEvent.LowFreeSpace(
                      Instant.ofEpochSecond(thread), "test", SnapshotEvents.ID, i));
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
            (BlksnapEvent.LowFreeSpace) snapshot.waitEvent(Duration.ofMillis(3));
        room.release();
        int offerer = (int) event.time().getEpochSecond();
        long number = event.requestedBytes();
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

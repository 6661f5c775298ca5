// SPDX-License-Identifier: Apache-2.0
package org.blksnap.contract;

import static org.blksnap.contract.SnapshotEvents.corrupted;
import static org.blksnap.contract.SnapshotEvents.destroyed;
import static org.blksnap.contract.SnapshotEvents.low;
import static org.blksnap.contract.SnapshotEvents.taken;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.event.BlksnapEvent;
import org.blksnap.api.event.EventSubscription;
import org.blksnap.api.snapshot.Snapshot;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** {@link EventSubscription}: a queue for each subscriber, and every event in each. */
@Timeout(60)
public abstract class EventSubscriptionContract {
  private SnapshotEvents snapshot;

  /** A new snapshot to which nothing has happened. */
  protected abstract SnapshotEvents open();

  @BeforeEach
  void openOne() {
    snapshot = open();
  }

  private static Errno next(EventSubscription subscription) {
    return assertThrows(BlksnapException.class, () -> subscription.next(Duration.ZERO)).errno();
  }

  /** All that waits, and why there is no more. */
  private static List<BlksnapEvent.OfSnapshot> all(EventSubscription subscription, Errno end)
      throws BlksnapException {
    List<BlksnapEvent.OfSnapshot> all = new ArrayList<>();
    while (true) {
      try {
        all.add(subscription.next(Duration.ZERO));
      } catch (BlksnapException e) {
        assertEquals(end, e.errno());
        return all;
      }
    }
  }

  @Test
  void eachSubscriberIsToldEveryEventOfEveryKind() throws Exception {
    EventSubscription one = snapshot.subscribe();
    EventSubscription other = snapshot.subscribe();
    List<BlksnapEvent.OfSnapshot> events = List.of(low(1), taken(), corrupted("sda"), low(2));
    events.forEach(snapshot::offer);
    snapshot.waitEvent(Duration.ZERO);
    assertEquals(events, all(one, Errno.ENOENT));
    assertEquals(events, all(other, Errno.ENOENT));
  }

  @Test
  void itBeginsWithWhatNobodyHasTakenYet() throws Exception {
    snapshot.offer(low(1));
    snapshot.offer(corrupted("sda"));
    snapshot.offer(taken());
    snapshot.waitEvent(Duration.ZERO);
    EventSubscription subscription = snapshot.subscribe();
    snapshot.offer(low(2));
    assertEquals(List.of(corrupted("sda"), low(2)), all(subscription, Errno.ENOENT));
  }

  @Test
  void anEventWakesWhoWaits() throws Exception {
    EventSubscription subscription = snapshot.subscribe();
    Waits waiter = Waits.in(() -> subscription.next(Duration.ofSeconds(Long.MAX_VALUE)));
    snapshot.offer(taken());
    assertEquals(taken(), waiter.event());
  }

  @Test
  void anInterruptedWaitIsEintr() throws Exception {
    EventSubscription subscription = snapshot.subscribe();
    Waits waiter = Waits.in(() -> subscription.next(Duration.ofSeconds(50)));
    waiter.interrupt();
    assertEquals(Errno.EINTR, waiter.errno());
  }

  @Test
  void theDestructionIsItsLastEvent() throws Exception {
    EventSubscription subscription = snapshot.subscribe();
    snapshot.offer(low(1));
    snapshot.destroy();
    snapshot.offer(low(2));
    assertEquals(List.of(low(1), destroyed()), all(subscription, Errno.ESRCH));
    assertEquals(
        Errno.ESRCH, assertThrows(BlksnapException.class, () -> snapshot.subscribe()).errno());
  }

  @Test
  void theEnginesStopLeavesWhatWaitsAndEndsIt() throws Exception {
    EventSubscription subscription = snapshot.subscribe();
    EventSubscription idle = snapshot.subscribe();
    Waits waiter = Waits.in(() -> idle.next(Duration.ofSeconds(50)));
    snapshot.offer(low(1));
    assertEquals(low(1), waiter.event());
    Waits again = Waits.in(() -> idle.next(Duration.ofSeconds(50)));
    snapshot.stop();
    assertEquals(Errno.ESHUTDOWN, again.errno());
    assertEquals(List.of(low(1)), all(subscription, Errno.ESHUTDOWN));
    assertEquals(
        Errno.ESHUTDOWN, assertThrows(BlksnapException.class, () -> snapshot.subscribe()).errno());
  }

  @Test
  void closingEndsItWithEstaleAndMayBeRepeated() throws Exception {
    EventSubscription subscription = snapshot.subscribe();
    EventSubscription other = snapshot.subscribe();
    Waits waiter = Waits.in(() -> subscription.next(Duration.ofSeconds(50)));
    subscription.close();
    subscription.close();
    assertEquals(Errno.ESTALE, waiter.errno());
    snapshot.offer(low(1));
    assertEquals(Errno.ESTALE, next(subscription));
    assertEquals(List.of(low(1)), all(other, Errno.ENOENT));
  }

  @Test
  void aFullQueueDropsTheOldestLowFreeSpaceAndCountsIt() throws Exception {
    EventSubscription subscription = snapshot.subscribe();
    snapshot.offer(corrupted("sda"));
    for (int i = 0; i < EventSubscription.CAPACITY + 9; i++) {
      snapshot.offer(low(i));
    }
    snapshot.offer(corrupted("sdb"));
    assertEquals(11, subscription.dropped());
    List<BlksnapEvent.OfSnapshot> left = all(subscription, Errno.ENOENT);
    assertEquals(EventSubscription.CAPACITY, left.size());
    assertEquals(corrupted("sda"), left.get(0));
    assertEquals(low(11), left.get(1));
    assertEquals(corrupted("sdb"), left.get(left.size() - 1));
  }

  @Test
  void aQueueFullOfCorruptedKeepsThemAll() throws Exception {
    EventSubscription subscription = snapshot.subscribe();
    for (int i = 0; i < EventSubscription.CAPACITY + 3; i++) {
      snapshot.offer(corrupted("sd" + i));
    }
    snapshot.offer(low(1));
    List<BlksnapEvent.OfSnapshot> left = all(subscription, Errno.ENOENT);
    assertEquals(EventSubscription.CAPACITY + 3, left.size());
    assertTrue(left.stream().allMatch(BlksnapEvent.Corrupted.class::isInstance));
  }

  @Test
  void moreThanAreAllowedAreRefusedUntilOneIsClosed() throws Exception {
    List<EventSubscription> open = new ArrayList<>();
    for (int i = 0; i < Snapshot.MOST_SUBSCRIPTIONS; i++) {
      open.add(snapshot.subscribe());
    }
    assertEquals(
        Errno.EAGAIN, assertThrows(BlksnapException.class, () -> snapshot.subscribe()).errno());
    open.get(7).close();
    snapshot.subscribe().close();
  }
}

// SPDX-License-Identifier: Apache-2.0
package org.blksnap.enginebase;

import static org.blksnap.contract.SnapshotEvents.ID;
import static org.blksnap.contract.SnapshotEvents.corrupted;
import static org.blksnap.contract.SnapshotEvents.low;
import static org.blksnap.contract.SnapshotEvents.taken;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.event.BlksnapEvent;
import org.blksnap.api.event.EventSubscription;
import org.blksnap.api.snapshot.Snapshot;
import org.blksnap.enginebase.backlog.Backlog;
import org.blksnap.spi.event.EventProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What a relay does besides the contracts: the event bundle comes and goes. */
@Timeout(60)
class EventRelayTest {
  private final RelayedEvents snapshot = new RelayedEvents();
  private final EventRelay relay = snapshot.relay;
  private final List<BlksnapEvent> told = new ArrayList<>();

  /** An object of its own each time. */
  private EventProvider provider() {
    return new EventProvider() {
      @Override
      public void offer(BlksnapEvent event) {
        told.add(event);
      }
    };
  }

  @Test
  void aSwapOfTheEventBundleIsNothingToThoseWhoWait() throws Exception {
    EventProvider old = provider();
    relay.provide(old);
    EventSubscription subscription = relay.subscribe(ID);
    relay.offer(low(1));
    relay.withdraw(old);
    relay.offer(low(2));
    assertEquals(low(1), relay.await(ID, Duration.ZERO));
    assertEquals(low(2), relay.await(ID, Duration.ZERO), "also while it is away");
    relay.provide(provider());
    relay.offer(taken());
    for (BlksnapEvent event : List.of(low(1), low(2), taken())) {
      assertEquals(event, subscription.next(Duration.ZERO));
    }
    assertEquals(List.of(low(1), low(2), taken()), told, "listeners are told each once");
  }

  @Test
  void aPredecessorThatGoesLateTakesNothingWithIt() {
    EventProvider old = provider();
    relay.provide(old);
    relay.provide(provider());
    relay.withdraw(old);
    relay.offer(low(1));
    assertEquals(List.of(low(1)), told);
  }

  @Test
  void whatListenersMissIsBoundedAndLosesNoCorruption() {
    relay.offer(corrupted("sda"));
    for (int i = 0; i < 3 * Backlog.LIMIT; i++) {
      relay.offer(low(i));
    }
    relay.provide(provider());
    assertEquals(Backlog.LIMIT, told.size());
    assertEquals(corrupted("sda"), told.get(0));
    assertEquals(low(3 * Backlog.LIMIT - 1), told.get(told.size() - 1));
  }

  @Test
  void eventsOfAnotherSnapshotAreNotTold() throws Exception {
    UUID other = new UUID(3, 4);
    relay.open(other);
    relay.offer(new BlksnapEvent.LowFreeSpace(Instant.EPOCH, "test", other, 1));
    assertEquals(
        Errno.ENOENT,
        assertThrows(BlksnapException.class, () -> relay.await(ID, Duration.ZERO)).errno());
    assertEquals(
        Errno.ESRCH,
        assertThrows(BlksnapException.class, () -> relay.subscribe(new UUID(5, 6))).errno());
  }

  @Test
  void subscriptionsThatNobodyHoldsAnyMoreFreeTheirPlaces() throws Exception {
    for (int i = 0; i < Snapshot.MOST_SUBSCRIPTIONS; i++) {
      relay.subscribe(ID);
    }
    EventSubscription one = null;
    for (int tries = 0; one == null; tries++) {
      assertTrue(tries < 1000, "they stay");
      System.gc();
      try {
        one = relay.subscribe(ID);
      } catch (BlksnapException e) {
        assertEquals(Errno.EAGAIN, e.errno());
        Thread.sleep(10);
      }
    }
    relay.offer(low(1));
    assertEquals(low(1), one.next(Duration.ZERO));
  }
}

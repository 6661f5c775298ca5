// SPDX-License-Identifier: Apache-2.0
package org.blksnap.testkit;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.event.BlksnapEvent;
import org.blksnap.api.event.EventSubscription;
import org.blksnap.api.snapshot.Snapshot;

/**
 * Takes a snapshot's events and compares: a portion is asked for as often as the rule says, each
 * lost image is told once, and a subscriber is told the same. What waited when the engine was
 * restarted may be gone.
 */
final class EventCheck {
  /** A subscriber gets an event a moment after the waiter may have it. */
  private static final Duration MOMENT = Duration.ofSeconds(10);

  /** Of the snapshot as one engine knows it: a restarted one knows another object. */
  private record Subscribed(Snapshot to, EventSubscription events) {}

  private final Scene scene;
  private final Map<UUID, List<Long>> asked = new HashMap<>();
  private final Map<UUID, Set<String>> lost = new HashMap<>();
  private final Map<UUID, Subscribed> subscribed = new HashMap<>();

  EventCheck(Scene scene) {
    this.scene = scene;
  }

  void forget(SnapshotModel snapshot) {
    asked.remove(snapshot.id());
    lost.remove(snapshot.id());
    subscribed.remove(snapshot.id());
  }

  /** Everything is stored; so all that was to be asked was asked. */
  void take(SnapshotModel snapshot, Snapshot real) throws BlksnapException {
    List<Long> got = asked.computeIfAbsent(snapshot.id(), id -> new ArrayList<>());
    Set<String> told = lost.computeIfAbsent(snapshot.id(), id -> new HashSet<>());
    EventSubscription subscription = subscription(snapshot, real);
    for (BlksnapEvent.OfSnapshot event = next(real); event != null; event = next(real)) {
      Comparison.same("event of", snapshot.id(), event.snapshot());
      Comparison.same("event told to a subscriber", event, toldNext(subscription));
      if (event instanceof BlksnapEvent.LowFreeSpace low) {
        got.add(low.requestedBytes() / 512);
      } else if (event instanceof BlksnapEvent.Corrupted corrupted) {
        corrupted(snapshot, told, corrupted);
      } else {
        throw new Difference("no event to wait for: " + event);
      }
    }
    boolean exact = !snapshot.growing() && !scene.kind.restarts() && told.isEmpty();
    if (exact && snapshot.storage().askingIsExact()) {
      Comparison.same(snapshot.id() + ": sectors asked for", snapshot.storage().asked(), got);
    }
  }

  /** Before anything of it is taken, so it is told all that is taken from now on. */
  private EventSubscription subscription(SnapshotModel snapshot, Snapshot real)
      throws BlksnapException {
    Subscribed known = subscribed.get(snapshot.id());
    if (known == null || known.to() != real) {
      known = new Subscribed(real, real.subscribe());
      subscribed.put(snapshot.id(), known);
    }
    return known.events();
  }

  private static BlksnapEvent.OfSnapshot toldNext(EventSubscription subscription)
      throws BlksnapException {
    BlksnapEvent.OfSnapshot event = subscription.next(MOMENT);
    while (event instanceof BlksnapEvent.Taken) {
      event = subscription.next(MOMENT);
    }
    return event;
  }

  private static void corrupted(
      SnapshotModel snapshot, Set<String> told, BlksnapEvent.Corrupted event) {
    ImageModel image = snapshot.images().get(event.device());
    if (image == null || event.error() == Errno.OK) {
      throw new Difference("no image of this snapshot: " + event);
    }
    if (!image.lost() && !snapshot.mayLoseImages()) {
      throw new Difference("told to be lost without a reason: " + event);
    }
    if (!told.add(event.device())) {
      throw new Difference("told a second time: " + event);
    }
  }

  private static BlksnapEvent.OfSnapshot next(Snapshot real) throws BlksnapException {
    try {
      return real.waitEvent(Duration.ZERO);
    } catch (BlksnapException e) {
      if (e.errno() == Errno.ENOENT) {
        return null;
      }
      throw e;
    }
  }
}

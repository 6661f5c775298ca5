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
import org.blksnap.api.snapshot.Snapshot;

/**
 * Takes a snapshot's events and compares: a portion is asked for as often as the rule says, and
 * each lost image is told once. What waited when the engine was restarted may be gone.
 */
final class EventCheck {
  private final Scene scene;
  private final Map<UUID, List<Long>> asked = new HashMap<>();
  private final Map<UUID, Set<String>> lost = new HashMap<>();

  EventCheck(Scene scene) {
    this.scene = scene;
  }

  void forget(SnapshotModel snapshot) {
    asked.remove(snapshot.id());
    lost.remove(snapshot.id());
  }

  /** Everything is stored; so all that was to be asked was asked. */
  void take(SnapshotModel snapshot, Snapshot real) throws BlksnapException {
    List<Long> got = asked.computeIfAbsent(snapshot.id(), id -> new ArrayList<>());
    Set<String> told = lost.computeIfAbsent(snapshot.id(), id -> new HashSet<>());
    for (BlksnapEvent.OfSnapshot event = next(real); event != null; event = next(real)) {
      Comparison.same("event of", snapshot.id(), event.snapshot());
      if (event instanceof BlksnapEvent.LowFreeSpace low) {
        got.add(low.requestedSectors());
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

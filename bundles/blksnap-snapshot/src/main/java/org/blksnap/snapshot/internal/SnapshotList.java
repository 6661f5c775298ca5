// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal;

import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;

/**
 * The snapshots there are, oldest first. Changed under the engine's control lock alone, read at any
 * time as one picture.
 */
final class SnapshotList {
  private final Runnable assertControlled;

  /** Replaced as a whole under the control lock. */
  private volatile Map<UUID, HeldSnapshot> snapshots = Map.of();

  SnapshotList(Runnable assertControlled) {
    this.assertControlled = assertControlled;
  }

  void remember(HeldSnapshot snapshot) {
    assertControlled.run();
    Map<UUID, HeldSnapshot> next = new LinkedHashMap<>(snapshots);
    next.put(snapshot.id(), snapshot);
    snapshots = next;
  }

  void forget(HeldSnapshot snapshot) {
    assertControlled.run();
    Map<UUID, HeldSnapshot> next = new LinkedHashMap<>(snapshots);
    next.remove(snapshot.id());
    snapshots = next;
  }

  Collection<HeldSnapshot> all() {
    return snapshots.values();
  }

  List<UUID> ids() {
    return List.copyOf(snapshots.keySet());
  }

  /** The one with this id, or {@code missing} (the reference asks for different ones). */
  HeldSnapshot require(UUID id, Errno missing) throws BlksnapException {
    Map<UUID, HeldSnapshot> now = snapshots;
    HeldSnapshot snapshot = now.get(id);
    if (snapshot == null) {
      throw new BlksnapException(missing, "no snapshot " + id + "; there are " + now.keySet());
    }
    return snapshot;
  }
}

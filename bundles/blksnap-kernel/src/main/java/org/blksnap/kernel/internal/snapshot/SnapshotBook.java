// SPDX-License-Identifier: Apache-2.0
package org.blksnap.kernel.internal.snapshot;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import org.blksnap.kernel.internal.host.Disk;
import org.blksnap.kernel.internal.record.StoragePart;

/** The snapshots that this engine made, and knows by their records. */
public final class SnapshotBook {
  private final Map<UUID, HeldSnapshot> held = new ConcurrentHashMap<>();

  void remember(HeldSnapshot snapshot) {
    held.put(snapshot.id(), snapshot);
  }

  void forget(UUID id) {
    held.remove(id);
  }

  public boolean isEmpty() {
    return held.isEmpty();
  }

  Collection<HeldSnapshot> all() {
    return held.values();
  }

  Optional<HeldSnapshot> find(UUID id) {
    return Optional.ofNullable(held.get(id));
  }

  /** What was given to all of them. */
  public List<StoragePart> storageParts() {
    List<StoragePart> parts = new ArrayList<>();
    held.values().forEach(snapshot -> parts.addAll(snapshot.storage().parts()));
    return parts;
  }

  /** The snapshot whose storage a block device is. */
  public Optional<UUID> storageOn(Disk disk) {
    return held.values().stream()
        .filter(
            snapshot ->
                snapshot.storage().parts().stream()
                    .anyMatch(part -> !part.lentFile() && part.device().equals(disk.number())))
        .map(HeldSnapshot::id)
        .findFirst();
  }

  /** Bundles that images and events depend on are swapped: each wait is made anew. */
  public void renew() {
    held.values().forEach(HeldSnapshot::renew);
  }

  /** About each second. */
  public void tick() {
    held.values().forEach(snapshot -> snapshot.images().values().forEach(ImageDevice::tick));
  }
}

// SPDX-License-Identifier: Apache-2.0
package org.blksnap.kernel.internal.snapshot;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;

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

  /** What is lent to the kernel and not kept in place, for the doctor. */
  public List<String> unheld() {
    List<String> all = new ArrayList<>();
    for (HeldSnapshot snapshot : held.values()) {
      for (String what : snapshot.storage().unheld()) {
        all.add("nothing keeps storage of snapshot " + snapshot.id() + " in place: " + what);
      }
    }
    return all;
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

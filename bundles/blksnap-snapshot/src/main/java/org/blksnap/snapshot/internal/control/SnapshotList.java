// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal.control;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.function.Function;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.snapshot.Snapshot;
import org.blksnap.snapshot.internal.data.FilteredDevice;

/**
 * The snapshots there are, oldest first, each with the one object users have of it. Changed under
 * the engine's control lock alone, read at any time as one picture.
 */
public final class SnapshotList {
  private record Entry(HeldSnapshot held, Snapshot handle) {}

  private final Runnable assertControlled;
  private final Function<HeldSnapshot, Snapshot> handles;

  /** Replaced as a whole under the control lock. */
  private volatile Map<UUID, Entry> snapshots = Map.of();

  /** {@code handles} makes what users get. */
  public SnapshotList(Runnable assertControlled, Function<HeldSnapshot, Snapshot> handles) {
    this.assertControlled = assertControlled;
    this.handles = handles;
  }

  /** Answers what users get of it. */
  public Snapshot remember(HeldSnapshot snapshot) {
    assertControlled.run();
    Snapshot handle = handles.apply(snapshot);
    Map<UUID, Entry> next = new LinkedHashMap<>(snapshots);
    next.put(snapshot.id(), new Entry(snapshot, handle));
    snapshots = next;
    return handle;
  }

  void forget(UUID id) {
    assertControlled.run();
    Map<UUID, Entry> next = new LinkedHashMap<>(snapshots);
    next.remove(id);
    snapshots = next;
  }

  public Collection<HeldSnapshot> all() {
    List<HeldSnapshot> all = new ArrayList<>();
    snapshots.values().forEach(entry -> all.add(entry.held()));
    return all;
  }

  public List<Snapshot> handles() {
    return snapshots.values().stream().map(Entry::handle).toList();
  }

  public List<UUID> ids() {
    return List.copyOf(snapshots.keySet());
  }

  /** The one with this id, or {@code missing} (the reference asks for different ones). */
  public Snapshot require(UUID id, Errno missing) throws BlksnapException {
    Map<UUID, Entry> now = snapshots;
    Entry entry = now.get(id);
    if (entry == null) {
      throw new BlksnapException(missing, "no snapshot " + id + "; there are " + now.keySet());
    }
    return entry.handle();
  }

  /** As {@link HeldSnapshot#keepGeneration}, in each that holds the device. */
  public void keepGeneration(FilteredDevice device) {
    all().forEach(snapshot -> snapshot.keepGeneration(device));
  }
}

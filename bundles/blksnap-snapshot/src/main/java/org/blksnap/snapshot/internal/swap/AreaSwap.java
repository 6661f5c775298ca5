// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal.swap;

import java.util.HashSet;
import java.util.Set;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.snapshot.internal.control.Desk;
import org.blksnap.snapshot.internal.control.DiffAreas;
import org.blksnap.snapshot.internal.control.HeldSnapshot;
import org.blksnap.snapshot.internal.control.SnapshotList;
import org.blksnap.snapshot.internal.data.FilteredDevice;
import org.blksnap.snapshot.internal.data.HeldArea;
import org.blksnap.snapshot.internal.data.ImageView;
import org.blksnap.snapshot.internal.record.SnapshotRecord;
import org.blksnap.spi.chunk.DiffArea;

/**
 * Diff areas let go and taken up. Gates closed, but for {@link #retire}; under the engine's control
 * lock, which guards the field.
 */
final class AreaSwap {
  private final Desk desk;
  private final SnapshotList snapshots;
  private final DiffAreas areas;

  /**
   * Devices whose area of the old chunk engine is still there, because the storage was away first.
   */
  private final Set<FilteredDevice> old = new HashSet<>();

  AreaSwap(Desk desk, SnapshotList snapshots, DiffAreas areas) {
    this.desk = desk;
    this.snapshots = snapshots;
    this.areas = areas;
  }

  boolean isOld(FilteredDevice device) {
    return old.contains(device);
  }

  Set<FilteredDevice> old() {
    return Set.copyOf(old);
  }

  void letOldGo(FilteredDevice device) {
    old.remove(device);
    letGo(device, true);
  }

  /** Whoever waits in the area goes on, so that the gate can be closed. */
  static void retire(FilteredDevice device) {
    if (device.held() != null) {
      device.held().retire();
    }
  }

  void letGo(FilteredDevice device, boolean quiet) {
    HeldArea held = device.held();
    if (held == null || held.area() == null) {
      return;
    }
    if (!quiet) {
      areas.loseAll(
          device, "the chunk bundle went while writes were under way that did not end in time");
    }
    if (storageWaits(device)) {
      old.add(device);
      return;
    }
    DiffArea area = held.area();
    held.install(null);
    area.close();
  }

  private boolean storageWaits(FilteredDevice device) {
    return snapshots.all().stream()
        .anyMatch(s -> s.views().containsKey(device.name()) && s.storageRoom().waitsForProvider());
  }

  void adopt(FilteredDevice device) throws BlksnapException {
    HeldArea held = device.held();
    if (held == null || held.area() != null || held.error() != Errno.OK) {
      return;
    }
    for (HeldSnapshot snapshot : snapshots.all()) {
      ImageView view = snapshot.views().get(device.name());
      if (view != null && view.held() == held) {
        SnapshotRecord.Member member = snapshot.members().get(device.name());
        held.install(
            desk.providers().chunk().adopt(areas.request(snapshot, device, held, member.rule())));
      }
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal.swap;

import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.snapshot.internal.control.Desk;
import org.blksnap.snapshot.internal.control.DiffAreas;
import org.blksnap.snapshot.internal.control.HeldSnapshot;
import org.blksnap.snapshot.internal.control.SnapshotList;
import org.blksnap.snapshot.internal.data.ImageView;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Storages of snapshots let go and taken up. Under the engine's control lock. */
final class StorageSwap {
  private static final Logger LOG = LoggerFactory.getLogger(StorageSwap.class);

  private final Desk desk;
  private final SnapshotList snapshots;
  private final DiffAreas areas;

  StorageSwap(Desk desk, SnapshotList snapshots, DiffAreas areas) {
    this.desk = desk;
    this.snapshots = snapshots;
    this.areas = areas;
  }

  void letGo() {
    snapshots.all().forEach(StorageSwap::letGo);
  }

  private static void letGo(HeldSnapshot snapshot) {
    try {
      snapshot.storageRoom().handOver();
    } catch (BlksnapException | RuntimeException | Error e) {
      LOG.error("snapshot {}: {}", snapshot.id(), e.getMessage());
    }
  }

  void adopt() {
    for (HeldSnapshot snapshot : snapshots.all()) {
      if (!snapshot.storageRoom().waitsForProvider()) {
        continue;
      }
      try {
        snapshot.storageRoom().adopt(desk.providers().storage());
      } catch (BlksnapException | RuntimeException | Error e) {
        lose(snapshot, "its storage was not taken over: " + e.getMessage());
      }
    }
  }

  /** Every snapshot's; what a later provider brings is nothing to them. */
  void lose(String why) {
    snapshots.all().forEach(snapshot -> lose(snapshot, why));
  }

  private void lose(HeldSnapshot snapshot, String why) {
    for (ImageView view : snapshot.views().values()) {
      areas.lose(snapshot, view, Errno.ESHUTDOWN, why);
    }
    snapshot.storageRoom().giveUp();
  }
}

// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal.swap;

import org.blksnap.api.block.BlksnapException;
import org.blksnap.snapshot.internal.control.ChangeMaps;
import org.blksnap.snapshot.internal.control.SnapshotList;
import org.blksnap.snapshot.internal.data.FilteredDevice;
import org.blksnap.spi.tracker.Tracker;

/** Trackers let go and taken up. Gates closed; under the engine's control lock. */
final class TrackerSwap {
  private final SnapshotList snapshots;
  private final ChangeMaps changeMaps;

  TrackerSwap(SnapshotList snapshots, ChangeMaps changeMaps) {
    this.snapshots = snapshots;
    this.changeMaps = changeMaps;
  }

  /** Where it was not quiet, what is written now may not be in the map. */
  void letGo(FilteredDevice device, boolean quiet) {
    Tracker tracker = device.tracker();
    if (tracker == null) {
      return;
    }
    if (!quiet) {
      changeMaps.markLost(device);
    }
    device.installTracker(null);
    tracker.handOver();
  }

  /**
   * A device opened since the tracker went, or none at all: the map is opened when both are there,
   * by whoever of the two comes last.
   */
  void adopt(FilteredDevice device) throws BlksnapException {
    if (device.raw() != null) {
      device.installTracker(changeMaps.adopt(device));
      // A map lost while the engine served the device takes no image with it.
      snapshots.keepGeneration(device);
    }
  }
}

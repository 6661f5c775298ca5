// SPDX-License-Identifier: Apache-2.0
package org.blksnap.shell.internal.show;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.UUID;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Consistency;
import org.blksnap.api.block.Errno;
import org.blksnap.api.snapshot.ImageInfo;
import org.blksnap.api.snapshot.Snapshot;
import org.blksnap.api.snapshot.StorageStatus;
import org.blksnap.shell.internal.lookup.Locator;

/** A snapshot as it was at one moment. */
public record SnapshotRow(
    UUID id,
    String engine,
    String state,
    Instant created,
    Instant taken,
    String label,
    String owner,
    boolean orphaned,
    Consistency consistency,
    List<String> reasons,
    List<String> devices,
    StorageStatus storage,
    List<ImageInfo> images) {

  public static SnapshotRow of(Locator.Found<Snapshot> found) throws BlksnapException {
    Snapshot snapshot = found.what();
    return new SnapshotRow(
        snapshot.id(),
        found.engine().name(),
        snapshot.state().name().toLowerCase(Locale.ROOT),
        snapshot.created(),
        snapshot.taken().orElse(null),
        snapshot.label().isEmpty() ? null : snapshot.label(),
        snapshot.owner().isEmpty() ? null : snapshot.owner(),
        snapshot.orphaned(),
        snapshot.consistency().orElse(null),
        List.copyOf(snapshot.consistencyReasons()),
        List.copyOf(snapshot.devices()),
        snapshot.storage(),
        snapshot.info());
  }

  /** Rows of those that are still there when asked. */
  public static List<SnapshotRow> of(List<Locator.Found<Snapshot>> snapshots)
      throws BlksnapException {
    List<SnapshotRow> rows = new ArrayList<>();
    for (Locator.Found<Snapshot> found : snapshots) {
      try {
        rows.add(of(found));
      } catch (BlksnapException e) {
        if (e.errno() != Errno.ESRCH) {
          throw e;
        }
      }
    }
    return rows;
  }
}

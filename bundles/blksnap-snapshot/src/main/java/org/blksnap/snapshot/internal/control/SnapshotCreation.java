// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal.control;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.UUID;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.snapshot.Snapshot;
import org.blksnap.snapshot.internal.data.StorageRoom;
import org.blksnap.snapshot.internal.record.Origin;
import org.blksnap.snapshot.internal.record.SnapshotRecord;
import org.blksnap.spi.storage.StorageRequest;

/** The beginning of a snapshot: its records, its events, a storage without places. */
public final class SnapshotCreation {
  private final Desk desk;
  private final SnapshotList snapshots;

  public SnapshotCreation(Desk desk, SnapshotList snapshots) {
    this.desk = desk;
    this.snapshots = snapshots;
  }

  /** All or nothing; on disk when it returns. Under the control lock. */
  public Snapshot create(String owner, String label) throws BlksnapException {
    desk.assertControlled();
    UUID id = UUID.randomUUID();
    Path directory = desk.state().snapshot(id);
    desk.events().open(id);
    boolean done = false;
    StorageRoom storage = null;
    try {
      Files.createDirectories(directory);
      desk.hot().enterSnapshot(directory);
      StorageRequest request = desk.storageRequest(id);
      storage = new StorageRoom(request, desk.providers().storage().create(request));
      HeldSnapshot snapshot =
          new HeldSnapshot(desk, new Origin(id, Instant.now(), owner, label), directory, storage);
      snapshot.keep(SnapshotRecord.Phase.CREATED);
      Snapshot handle = snapshots.remember(snapshot);
      done = true;
      return handle;
    } catch (BlksnapException e) {
      throw e;
    } catch (IOException e) {
      throw new BlksnapException(BlksnapException.errnoOf(e), "no snapshot was created: " + e, e);
    } finally {
      if (!done) {
        desk.events().close(id);
        if (storage != null) {
          storage.delete();
        }
        desk.removeRecords(directory);
      }
    }
  }
}

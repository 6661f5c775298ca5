// SPDX-License-Identifier: Apache-2.0
package org.blksnap.api.snapshot;

import java.util.UUID;
import org.blksnap.api.block.BlksnapException;

/**
 * A snapshot in the hands of who took it: {@link #close} destroys it, unless it was kept. To look a
 * snapshot up gives no lease, so nobody destroys another's by closing. A lease lives in memory
 * alone: after a restart of its owner or of the engine the snapshot is still there, with its
 * owner's name, to be found and destroyed by id. Any thread.
 */
public final class SnapshotLease implements AutoCloseable {
  private final Snapshot snapshot;
  private final TakeResult result;
  private volatile boolean kept;

  /** For engines: the lease of a snapshot just taken. */
  public SnapshotLease(Snapshot snapshot, TakeResult result) {
    this.snapshot = snapshot;
    this.result = result;
  }

  /** The snapshot, taken. */
  public Snapshot snapshot() {
    return snapshot;
  }

  /** How the take went. */
  public TakeResult result() {
    return result;
  }

  /** The image of a device, as {@link Snapshot#image}. */
  public SnapshotImage image(String device) throws BlksnapException {
    return snapshot.image(device);
  }

  /** From now on closing does nothing; answers the id to find the snapshot by. */
  public UUID keep() {
    kept = true;
    return snapshot.id();
  }

  /**
   * Destroys the snapshot, unless it was kept. Idempotent. ESHUTDOWN: its engine has stopped since;
   * where it was updated, the snapshot lives on in the successor, to be destroyed there by its id.
   */
  @Override
  public void close() throws BlksnapException {
    if (!kept) {
      snapshot.destroy();
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
package org.blksnap.enginebase;

import java.util.List;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.snapshot.Snapshot;
import org.blksnap.api.snapshot.SnapshotLease;
import org.blksnap.api.snapshot.SnapshotRequest;
import org.blksnap.api.snapshot.StorageGrant;
import org.blksnap.api.snapshot.TakeResult;

/**
 * Create, add, give storage and take, as one step that happens wholly or not at all: whatever
 * fails, the snapshot is destroyed again.
 */
public final class WholeSnapshot {
  /** Makes an empty one. */
  @FunctionalInterface
  public interface Maker {
    /** With the request's owner and label; its devices and its storage come later. */
    Snapshot make(SnapshotRequest request) throws BlksnapException;
  }

  private WholeSnapshot() {}

  /** Made, with devices and storage, not taken. */
  public static Snapshot created(Maker maker, SnapshotRequest request) throws BlksnapException {
    Snapshot snapshot = maker.make(request);
    try {
      fill(snapshot, request.devices(), request.storage());
      return snapshot;
    } catch (Throwable e) {
      undo(snapshot, e);
      throw e;
    }
  }

  /** Made and taken; on the engine's default storage where the request names none. */
  public static SnapshotLease taken(Maker maker, SnapshotRequest request) throws BlksnapException {
    if (request.devices().isEmpty()) {
      throw new BlksnapException(
          Errno.EINVAL, "a snapshot of no devices refused: name one attached device or more");
    }
    Snapshot snapshot = maker.make(request);
    try {
      fill(
          snapshot,
          request.devices(),
          request.storage().isEmpty() ? List.of(StorageGrant.byDefault()) : request.storage());
      TakeResult result = snapshot.take();
      return new SnapshotLease(snapshot, result);
    } catch (Throwable e) {
      undo(snapshot, e);
      throw e;
    }
  }

  private static void fill(Snapshot snapshot, List<String> devices, List<StorageGrant> storage)
      throws BlksnapException {
    for (String device : devices) {
      snapshot.addDevice(device);
    }
    for (StorageGrant grant : storage) {
      snapshot.give(grant);
    }
  }

  /** After an Error too: what is half made would hold its devices. */
  private static void undo(Snapshot snapshot, Throwable cause) throws BlksnapException {
    try {
      snapshot.destroy();
    } catch (Throwable e) {
      BlksnapException both =
          new BlksnapException(
              BlksnapException.errnoOf(cause),
              cause.getMessage()
                  + "; undoing it failed as well ("
                  + e.getMessage()
                  + "): destroy it with blksnap:snapshot-destroy "
                  + snapshot.id(),
              cause);
      both.addSuppressed(e);
      throw both;
    }
  }
}

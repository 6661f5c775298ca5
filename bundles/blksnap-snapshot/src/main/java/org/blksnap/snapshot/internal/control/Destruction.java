// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal.control;

import java.time.Instant;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.event.BlksnapEvent;
import org.blksnap.api.snapshot.SnapshotState;
import org.blksnap.enginebase.EventRelay;
import org.blksnap.snapshot.internal.data.FilteredDevice;
import org.blksnap.snapshot.internal.data.ImageView;
import org.blksnap.spi.chunk.DiffArea;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The end of a snapshot. Each part goes whatever becomes of the others: what stayed behind would
 * hold its device for ever, since a destroyed snapshot is not destroyed again. Where the record can
 * not say so, the areas' files do before a live write passes unsaved: a kill must not find images
 * that look well.
 */
public final class Destruction {
  private static final Logger LOG = LoggerFactory.getLogger(Destruction.class);

  private final Desk desk;
  private final Readiness readiness;
  private final SnapshotList snapshots;
  private final DeviceGates gates;

  public Destruction(Desk desk, Readiness readiness, SnapshotList snapshots, DeviceGates gates) {
    this.desk = desk;
    this.readiness = readiness;
    this.snapshots = snapshots;
    this.gates = gates;
  }

  /**
   * Nothing to do where it was destroyed before. ESHUTDOWN where the engine has stopped: its
   * records and files are its successor's then.
   */
  void destroy(HeldSnapshot snapshot) throws BlksnapException {
    desk.control().lock();
    try {
      if (snapshot.state() == SnapshotState.DESTROYED) {
        return;
      }
      readiness.check();
      boolean noted = snapshot.beginDestroying();
      for (ImageView view : snapshot.views().values()) {
        attempt(
            snapshot,
            "the image of device " + view.device(),
            () -> {
              view.destroyed();
              if (!noted) {
                spoil(snapshot, view);
              }
              view.held().abandon();
            });
      }
      if (snapshot.storageRoom().waitsForProvider()) {
        snapshot.storageRoom().giveUp();
      }
      for (ImageView view : snapshot.views().values()) {
        attempt(snapshot, "the image of device " + view.device(), () -> release(view));
      }
      desk.devices().present(snapshot.members().keySet()).forEach(device -> device.belongTo(null));
      snapshot.unlinkAll();
      attempt(snapshot, "its storage", snapshot.storageRoom()::delete);
      attempt(snapshot, "its records", () -> forget(snapshot));
    } finally {
      desk.control().unlock();
    }
    EventRelay events = desk.events();
    events.offer(new BlksnapEvent.Destroyed(Instant.now(), events.engine(), snapshot.id()));
    events.close(snapshot.id());
  }

  /**
   * A kill must not bring back an image past which writes went, though the record knows nothing.
   */
  private static void spoil(HeldSnapshot snapshot, ImageView view) {
    DiffArea area = view.held().area();
    if (area == null) {
      snapshot.areas().drop(view.device());
    } else {
      area.corrupt(Errno.ESTALE, "its snapshot was being destroyed");
    }
  }

  private void forget(HeldSnapshot snapshot) {
    snapshots.forget(snapshot.id());
    desk.removeRecords(snapshot.directory());
  }

  /** A part of a destruction. */
  private interface Part {
    void go() throws Exception;
  }

  private static void attempt(HeldSnapshot snapshot, String what, Part part) {
    try {
      part.go();
    } catch (Throwable e) {
      LOG.error("snapshot {}: {} was not removed whole", snapshot.id(), what, e);
    }
  }

  /** No write is inside while the area goes, so none preserves into a closed one. */
  private void release(ImageView view) {
    FilteredDevice device = view.liveDevice();
    boolean quiet = gates.shut(device);
    try {
      device.hold(null);
    } finally {
      if (quiet) {
        gates.open(device);
      }
    }
    view.retire(desk.settings().gateTimeout());
  }
}

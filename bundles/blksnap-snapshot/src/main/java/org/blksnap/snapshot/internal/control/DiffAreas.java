// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal.control;

import java.io.IOException;
import java.time.Instant;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.BlockSizeRule;
import org.blksnap.api.block.Errno;
import org.blksnap.api.event.BlksnapEvent;
import org.blksnap.api.snapshot.Parameter;
import org.blksnap.snapshot.internal.data.FilteredDevice;
import org.blksnap.snapshot.internal.data.HeldArea;
import org.blksnap.snapshot.internal.data.ImageView;
import org.blksnap.spi.chunk.ChunkEngine;
import org.blksnap.spi.chunk.DiffArea;
import org.blksnap.spi.chunk.DiffAreaRequest;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What the engine asks of a chunk engine for one device of a snapshot, and what follows when a diff
 * area is lost: the image is lost once, with the first reason, for log, listeners and record alike.
 */
public final class DiffAreas {
  private static final Logger LOG = LoggerFactory.getLogger(DiffAreas.class);

  private final Desk desk;
  private final SnapshotList snapshots;

  public DiffAreas(Desk desk, SnapshotList snapshots) {
    this.desk = desk;
    this.snapshots = snapshots;
  }

  /** An empty one, in a directory of its own. */
  DiffArea make(
      ChunkEngine chunks,
      HeldSnapshot snapshot,
      FilteredDevice device,
      HeldArea held,
      BlockSizeRule rule)
      throws BlksnapException {
    long capacity = held.geometry().capacity();
    int shift = rule.shiftFor(capacity, held.geometry().minimumIo());
    long count = BlockSizeRule.blocks(capacity, shift);
    try {
      snapshot.areas().make(device.name(), AreaMemory.of(count, 1L << shift));
    } catch (IOException e) {
      throw new BlksnapException(
          BlksnapException.errnoOf(e),
          "snapshot "
              + snapshot.id()
              + ": no directory for the area of "
              + device.name()
              + " was made: "
              + e,
          e);
    }
    return chunks.create(request(snapshot, device, held, rule));
  }

  public DiffAreaRequest request(
      HeldSnapshot snapshot, FilteredDevice device, HeldArea held, BlockSizeRule rule) {
    return new DiffAreaRequest(
        snapshot.id(),
        device.name(),
        snapshot.areas().of(device.name()),
        held.geometry().capacity(),
        rule,
        held.geometry().minimumIo(),
        snapshot.storageRoom(),
        device.beneath(),
        () -> (int) desk.parameters().value(Parameter.CHUNK_MAXIMUM_IN_QUEUE),
        () -> (int) desk.parameters().value(Parameter.FREE_DIFF_BUFFER_POOL_SIZE),
        (error, detail) -> corrupted(snapshot, device, held, error, detail));
  }

  /**
   * The conductor itself gives an image up, while writes are held: the area, where there is one,
   * and the record know it before the gate opens, so that no restart trusts the image.
   */
  public void lose(HeldSnapshot snapshot, ImageView view, Errno error, String detail) {
    desk.assertControlled();
    DiffArea area = view.held().area();
    if (area != null) {
      area.corrupt(error, detail);
    }
    corrupted(snapshot, view.liveDevice(), view.held(), error, detail);
    try {
      snapshot.keepError(view.device(), view.held().error(), view.held().detail());
    } catch (BlksnapException e) {
      LOG.error("{}", e.toString());
      if (area == null) {
        snapshot.areas().drop(view.device());
      }
    }
  }

  /** As {@link #lose}, whichever images the device has. */
  public void loseAll(FilteredDevice device, String why) {
    for (HeldSnapshot snapshot : snapshots.all()) {
      ImageView view = snapshot.views().get(device.name());
      if (view != null) {
        lose(snapshot, view, Errno.ESHUTDOWN, why);
      }
    }
  }

  /**
   * Told by the chunk engine, from any thread and with whatever it holds: says it once, and writes
   * it down later.
   */
  void corrupted(
      HeldSnapshot snapshot, FilteredDevice device, HeldArea held, Errno error, String detail) {
    if (!held.lose(error, detail)) {
      return;
    }
    LOG.error(
        "snapshot {}: image {} is corrupted: {} [{}]; the live device goes on",
        snapshot.id(),
        held.image(),
        detail,
        error);
    desk.events()
        .offer(
            new BlksnapEvent.Corrupted(
                Instant.now(),
                desk.events().engine(),
                snapshot.id(),
                device.name(),
                device.major(),
                device.minor(),
                error,
                detail));
    desk.housekeeper().later(() -> snapshot.keepError(device.name(), error, detail));
  }
}

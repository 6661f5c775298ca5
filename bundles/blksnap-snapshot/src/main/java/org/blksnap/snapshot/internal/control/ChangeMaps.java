// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal.control;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.BlockSizeRule;
import org.blksnap.api.change.CbtInfo;
import org.blksnap.api.change.GenerationReason;
import org.blksnap.snapshot.internal.data.FilteredDevice;
import org.blksnap.snapshot.internal.record.HotFiles;
import org.blksnap.spi.device.RawDevice;
import org.blksnap.spi.tracker.Evidence;
import org.blksnap.spi.tracker.Tracker;
import org.blksnap.spi.tracker.TrackerRequest;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The change maps of devices: opened, renewed while in use, and marked where writes passed without
 * being tracked. All methods run under the engine's control lock.
 */
public final class ChangeMaps {
  private static final Logger LOG = LoggerFactory.getLogger(ChangeMaps.class);
  private static final String MAP = "cbt.map";

  /** Bytes of a map for each block, and of its header (FORMATS). */
  private static final long MAP_BYTES = 2;

  private static final long MAP_HEAD = 16 << 10;

  private final Desk desk;
  private final Generations generations;

  public ChangeMaps(Desk desk, Generations generations) {
    this.desk = desk;
    this.generations = generations;
  }

  /** The map of a device being attached. */
  Tracker open(FilteredDevice device, Evidence left) throws BlksnapException {
    return open(device, left, false);
  }

  /** The map of a device that this engine held all the time: trusted as it is. */
  public Tracker adopt(FilteredDevice device) throws BlksnapException {
    return open(device, Evidence.none("handed over"), true);
  }

  private Tracker open(FilteredDevice device, Evidence left, boolean adopt)
      throws BlksnapException {
    RawDevice raw = device.raw();
    Path lost = lostMarker(device);
    try {
      HotFiles.Entry entry = enter(device);
      Tracker tracker =
          desk.providers()
              .tracker()
              .open(
                  new TrackerRequest(
                      device.name(),
                      entry.directory().resolve(MAP),
                      raw.geometry().capacity(),
                      desk.trackingRule(),
                      device.request().durable(),
                      raw.identity().key(),
                      adopt ? "" : raw.fingerprint(),
                      left,
                      desk.bootId(),
                      adopt));
      boolean fresh = tracker.begunByOpening();
      if (!entry.lost().isEmpty()) {
        fresh = true;
        tracker.renew(
            raw.geometry().capacity(),
            entry.otherBoot()
                ? GenerationReason.UNCLEAN_POWER_LOSS
                : GenerationReason.MAP_UNREADABLE,
            entry.lost());
      }
      if (Files.exists(lost)) {
        // A generation begun just now has its own reason, which must not be hidden: it may speak of
        // worse.
        if (!fresh) {
          renew(
              tracker,
              raw.geometry().capacity(),
              GenerationReason.TRACKER_LOST,
              "writes passed without being tracked");
          fresh = true;
        }
        Files.delete(lost);
      }
      if (fresh) {
        generations.announce(device, tracker.info());
      }
      return tracker;
    } catch (BlksnapException e) {
      throw e;
    } catch (IOException e) {
      throw new BlksnapException(
          BlksnapException.errnoOf(e),
          "device " + device.name() + ": its change map was not opened: " + e,
          e);
    }
  }

  /** Makes the device's directory with it. */
  private HotFiles.Entry enter(FilteredDevice device) throws IOException {
    Path cold = Files.createDirectories(desk.state().device(device.name()));
    long capacity = device.raw().geometry().capacity();
    int shift = desk.trackingRule().shiftFor(capacity, device.raw().geometry().minimumIo());
    long bytes = MAP_BYTES * BlockSizeRule.blocks(capacity, shift) + MAP_HEAD;
    return desk.hot().enterDevice(cold, device.request().durable(), bytes);
  }

  /** The map of a device that was closed cleanly goes to disk. */
  void settle(FilteredDevice device) throws IOException {
    desk.hot().settleDevice(desk.state().device(device.name()));
  }

  /**
   * Begins a generation while the device is in use. All of it counts as changed since its number 0:
   * the image of a snapshot held now is older than the generation, and a consumer who reads that
   * image keeps number 0. What was written between must be in its next increment; who comes from a
   * later take does not see these marks.
   */
  public static void renew(Tracker tracker, long capacity, GenerationReason reason, String detail)
      throws BlksnapException {
    tracker.renew(capacity, reason, detail);
    tracker.mark(0, capacity);
  }

  /** With the tracking blocks that the parameters ask for now. Gate closed. */
  void restart(FilteredDevice device) throws BlksnapException {
    Tracker tracker = device.tracker();
    BlockSizeRule rule = desk.trackingRule();
    long capacity = device.geometry().capacity();
    CbtInfo before = Generations.of(device);
    tracker.renew(
        capacity,
        rule,
        GenerationReason.PARAMETERS_CHANGED,
        "by blksnap:cbt-restart"
            + (before == null ? "" : ", blocks were of " + before.blockSize() + " bytes"));
    tracker.mark(0, capacity);
  }

  /** Stands as long as writes have passed untracked and no new generation says so. */
  private Path lostMarker(FilteredDevice device) {
    return desk.state().device(device.name()).resolve("tracker-lost");
  }

  public void markLost(FilteredDevice device) {
    try {
      Files.writeString(lostMarker(device), "writes passed without being tracked\n");
    } catch (IOException e) {
      setMapAside(device, e);
    }
  }

  /** Needs no space: a map that is not there is as little trusted as one with the marker. */
  private void setMapAside(FilteredDevice device, IOException why) {
    Path map = desk.hot().of(desk.state().device(device.name())).resolve(MAP);
    try {
      Files.move(map, map.resolveSibling(MAP + ".damaged"), StandardCopyOption.REPLACE_EXISTING);
      LOG.warn(
          "device {}: its change map is lost, and no marker could be written ({}), so its file was"
              + " set aside",
          device.name(),
          why.toString());
    } catch (IOException e) {
      e.addSuppressed(why);
      LOG.error(
          "device {}: it could not be written down that its change map is lost ({}); make the next"
              + " backup a full one",
          device.name(),
          e.toString());
    }
  }
}

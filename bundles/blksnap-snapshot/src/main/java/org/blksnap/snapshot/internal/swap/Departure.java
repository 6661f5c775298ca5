// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal.swap;

import java.io.IOException;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.blksnap.snapshot.internal.control.Desk;
import org.blksnap.snapshot.internal.control.DeviceClosing;
import org.blksnap.snapshot.internal.control.DeviceGates;
import org.blksnap.snapshot.internal.control.HeldSnapshot;
import org.blksnap.snapshot.internal.control.SnapshotList;
import org.blksnap.snapshot.internal.control.Together;
import org.blksnap.snapshot.internal.data.FilteredDevice;
import org.blksnap.snapshot.internal.data.HeldArea;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How the engine goes. Both ways begin with all gates closed and the diff areas left in their
 * files; they differ in what has to be on disk.
 *
 * <pre>
 *                 for good                              to a successor
 * storages        forced                                left
 * areas' files    forced, the record says so            left
 * devices         flushed                               left; a block device flushed
 * change maps     forced, closed with the fingerprint   left as a swap of the tracker leaves them
 * fingerprints    in the maps                           in {@code LeftDevices}, for this boot
 * holds for       the next boot too                     this boot
 * </pre>
 *
 * <p>To a successor it goes when its bundle is updated, stopped or refreshed: clients wait at the
 * gates and for the next engine, and a disk that is behind may take many seconds for what an engine
 * forces. Nothing is lost by that while the kernel lives; a loss of power finds what it finds while
 * an engine is at work. A block device is the exception: its fingerprint counts the sectors
 * written, and its last descriptor writes back what is dirty. So it is flushed once before, while
 * requests go on, and what is left to flush is little.
 *
 * <p>The gates are opened last, all together: whoever waited there looks for the successor then,
 * and has all its patience left.
 */
public final class Departure {
  private static final Logger LOG = LoggerFactory.getLogger(Departure.class);

  /** Longest wait for devices and maps to be closed; those that are not then count as killed. */
  static final Duration LONGEST_CLOSE = Duration.ofSeconds(120);

  private final Desk desk;
  private final SnapshotList snapshots;
  private final DeviceGates gates;
  private final DeviceClosing closing;

  /** Devices, and what became of their gates. */
  private Map<FilteredDevice, DeviceGates.Closed> closed = Map.of();

  public Departure(Desk desk, SnapshotList snapshots, DeviceGates gates, DeviceClosing closing) {
    this.desk = desk;
    this.snapshots = snapshots;
    this.gates = gates;
    this.closing = closing;
  }

  /**
   * Before {@link #toSuccessor}, requests go on: no lock is held. What waits for a room that is
   * away is passed over.
   */
  public void prepare() {
    desk.devices().flushAhead();
    for (HeldSnapshot snapshot : snapshots.all()) {
      if (!snapshot.storageRoom().waitsForProvider()) {
        try {
          snapshot.storageRoom().flush();
        } catch (IOException | RuntimeException | Error e) {
          LOG.debug("snapshot {} was not flushed ahead: {}", snapshot.id(), e.toString());
        }
      }
    }
  }

  public void forGood() {
    desk.assertControlled();
    try {
      closeGates();
      snapshots.all().forEach(HeldSnapshot::closeForStop);
      Together.each("closing devices", closed.keySet(), LONGEST_CLOSE, closing::closeForStop);
      if (!desk.leftDevices().isEmpty()) {
        writeLeft();
      }
      LOG.info(
          "blksnap stopped: {} devices closed, {} snapshots kept in {}",
          closed.size(),
          snapshots.all().size(),
          desk.state().root());
    } finally {
      openGates();
    }
  }

  public void toSuccessor() {
    desk.assertControlled();
    long begun = System.nanoTime();
    try {
      closeGates();
      snapshots.all().forEach(HeldSnapshot::leave);
      Map<String, String> fingerprints = new ConcurrentHashMap<>();
      closed.keySet().forEach(device -> fingerprints.put(device.name(), ""));
      Together.each(
          "leaving devices",
          closed.keySet(),
          LONGEST_CLOSE,
          device -> fingerprints.put(device.name(), closing.leave(device)));
      Map.copyOf(fingerprints).forEach(desk.leftDevices()::leave);
      writeLeft();
      LOG.info(
          "blksnap leaves {} devices and {} snapshots to its successor, in {} ms",
          closed.size(),
          snapshots.all().size(),
          (System.nanoTime() - begun) / 1_000_000);
    } finally {
      openGates();
    }
  }

  /**
   * Whoever waits for a storage bundle that left before us waits in vain, and would hold up the
   * gates and the areas' closing: first the areas are told that nothing more has to be stored, then
   * the waiting are sent away. An image read among them fails with ESHUTDOWN.
   */
  private void sendAwayWhoWaitsForStorage() {
    for (FilteredDevice device : desk.devices().all()) {
      HeldArea held = device.held();
      if (held != null) {
        held.retire();
      }
    }
    for (HeldSnapshot snapshot : snapshots.all()) {
      if (snapshot.storageRoom().waitsForProvider()) {
        snapshot.storageRoom().giveUp();
      }
    }
  }

  private void closeGates() {
    sendAwayWhoWaitsForStorage();
    closed = gates.closeAll(desk.devices().all());
    closed.forEach(closing::quietForStop);
  }

  private void openGates() {
    closed.forEach(
        (device, how) -> {
          if (how != DeviceGates.Closed.NOT_HERE || gates.isSuspended(device)) {
            gates.open(device);
          }
        });
  }

  private void writeLeft() {
    try {
      desk.leftDevices().write();
    } catch (IOException e) {
      LOG.error(
          "how the devices were left was not written down, so the successor judges them as after a"
              + " kill: {}",
          e.toString());
    }
  }
}

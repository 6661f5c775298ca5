// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal;

import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;
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
 * fingerprints    in the maps                           in {@link LeftDevices}, for this boot
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
final class Departure {
  private static final Logger LOG = LoggerFactory.getLogger(Departure.class);

  private final Engine engine;

  /** Devices, and whether their gate was closed here. */
  private final Map<FilteredDevice, Boolean> gates = new LinkedHashMap<>();

  Departure(Engine engine) {
    this.engine = engine;
  }

  /**
   * Before {@link #toSuccessor}, requests go on: no lock is held. What waits for a room that is
   * away is passed over.
   */
  static void prepare(Engine engine) {
    engine.filteredDevices().forEach(Departure::flushAhead);
    for (HeldSnapshot snapshot : engine.heldSnapshots()) {
      if (!snapshot.storageRoom().waitsForProvider()) {
        tried("snapshot " + snapshot.id(), snapshot.storageRoom()::flush);
      }
    }
  }

  /** While requests go on: closing the last descriptor of a block device writes back the rest. */
  static void flushAhead(FilteredDevice device) {
    if (device.deviceIdentity().blockDevice() && !device.gateOfRequests().isClosed()) {
      tried("device " + device.name(), device::flush);
    }
  }

  private interface Flush {
    void run() throws IOException;
  }

  private static void tried(String what, Flush flush) {
    try {
      flush.run();
    } catch (IOException e) {
      LOG.debug("{} was not flushed ahead: {}", what, e.toString());
    }
  }

  void forGood() {
    engine.assertControlled();
    try {
      closeGates();
      engine.heldSnapshots().forEach(HeldSnapshot::closeForStop);
      Baselines.rest(gates.keySet());
      gates.keySet().forEach(engine.attachments()::closeForStop);
      if (!engine.leftDevices().isEmpty()) {
        writeLeft();
      }
      LOG.info(
          "blksnap stopped: {} devices closed, {} snapshots kept in {}",
          gates.size(),
          engine.heldSnapshots().size(),
          engine.state().root());
    } finally {
      openGates();
    }
  }

  void toSuccessor() {
    engine.assertControlled();
    long begun = System.nanoTime();
    try {
      closeGates();
      engine.heldSnapshots().forEach(HeldSnapshot::leave);
      Baselines.rest(gates.keySet());
      for (FilteredDevice device : gates.keySet()) {
        engine.leftDevices().leave(device.name(), engine.attachments().leave(device));
      }
      writeLeft();
      LOG.info(
          "blksnap leaves {} devices and {} snapshots to its successor, in {} ms",
          gates.size(),
          engine.heldSnapshots().size(),
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
    for (FilteredDevice device : engine.filteredDevices()) {
      HeldArea held = device.held();
      if (held != null) {
        held.retire();
      }
    }
    for (HeldSnapshot snapshot : engine.heldSnapshots()) {
      if (snapshot.storageRoom().waitsForProvider()) {
        snapshot.storageRoom().giveUp();
      }
    }
  }

  private void closeGates() {
    sendAwayWhoWaitsForStorage();
    for (FilteredDevice device : engine.filteredDevices()) {
      gates.put(device, engine.attachments().quietForStop(device));
    }
  }

  private void openGates() {
    gates.forEach(
        (device, closedHere) -> {
          if (closedHere || engine.swap().isSuspended(device)) {
            engine.gates().open(device);
          }
        });
  }

  private void writeLeft() {
    try {
      engine.leftDevices().write();
    } catch (IOException e) {
      LOG.error(
          "how the devices were left was not written down, so the successor judges them as after a"
              + " kill: {}",
          e.toString());
    }
  }
}

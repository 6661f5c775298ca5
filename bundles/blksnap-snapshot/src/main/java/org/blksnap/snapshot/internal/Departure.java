// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal;

import java.io.IOException;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
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

  /** Longest wait for a flush while requests go on. */
  static final Duration LONGEST_FLUSH = Duration.ofSeconds(60);

  /** Longest wait for devices and maps to be closed; those that are not then count as killed. */
  static final Duration LONGEST_CLOSE = Duration.ofSeconds(120);

  private final Engine engine;

  /** Devices, and what became of their gates. */
  private Map<FilteredDevice, DeviceGates.Closed> gates = Map.of();

  Departure(Engine engine) {
    this.engine = engine;
  }

  /**
   * Before {@link #toSuccessor}, requests go on: no lock is held. What waits for a room that is
   * away is passed over.
   */
  static void prepare(Engine engine) {
    flushAhead(engine.filteredDevices());
    for (HeldSnapshot snapshot : engine.heldSnapshots()) {
      if (!snapshot.storageRoom().waitsForProvider()) {
        tried("snapshot " + snapshot.id(), snapshot.storageRoom()::flush);
      }
    }
  }

  /**
   * While requests go on: closing the last descriptor of a block device writes back the rest. All
   * at once, so that what the first writes meanwhile is little.
   */
  static void flushAhead(Collection<FilteredDevice> devices) {
    List<FilteredDevice> some =
        devices.stream()
            .filter(d -> d.deviceIdentity().blockDevice() && !d.gateOfRequests().isClosed())
            .toList();
    Together.each(
        "flushing devices ahead",
        some,
        LONGEST_FLUSH,
        device -> tried("device " + device.name(), device::flush));
  }

  private interface Flush {
    void run() throws IOException;
  }

  private static void tried(String what, Flush flush) {
    try {
      flush.run();
    } catch (IOException | RuntimeException | Error e) {
      LOG.debug("{} was not flushed ahead: {}", what, e.toString());
    }
  }

  void forGood() {
    engine.assertControlled();
    try {
      closeGates();
      engine.heldSnapshots().forEach(HeldSnapshot::closeForStop);
      Together.each(
          "closing devices", gates.keySet(), LONGEST_CLOSE, engine.attachments()::closeForStop);
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
      Map<String, String> fingerprints = new ConcurrentHashMap<>();
      gates.keySet().forEach(device -> fingerprints.put(device.name(), ""));
      Together.each(
          "leaving devices",
          gates.keySet(),
          LONGEST_CLOSE,
          device -> fingerprints.put(device.name(), engine.attachments().leave(device)));
      Map.copyOf(fingerprints).forEach(engine.leftDevices()::leave);
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
    gates = engine.gates().closeAll(engine.filteredDevices());
    gates.forEach(engine.attachments()::quietForStop);
  }

  private void openGates() {
    gates.forEach(
        (device, closed) -> {
          if (closed != DeviceGates.Closed.NOT_HERE || engine.swap().isSuspended(device)) {
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

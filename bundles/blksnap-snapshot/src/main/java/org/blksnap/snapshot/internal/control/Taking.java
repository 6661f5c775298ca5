// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal.control;

import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.BlockSizeRule;
import org.blksnap.api.block.Errno;
import org.blksnap.api.event.BlksnapEvent;
import org.blksnap.api.snapshot.SnapshotState;
import org.blksnap.api.snapshot.TakeResult;
import org.blksnap.enginebase.Participants;
import org.blksnap.snapshot.internal.data.FilteredDevice;
import org.blksnap.snapshot.internal.record.SnapshotRecord;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Takes a snapshot: participants are asked without a lock, then the record, the diff areas and the
 * maps follow under the control lock, then the participants are told.
 *
 * <p>All or nothing, after an Error too. Before the commit of {@link Take} whatever is thrown puts
 * everything back. After it the snapshot exists: what is thrown then becomes a warning.
 */
public final class Taking {
  private static final Logger LOG = LoggerFactory.getLogger(Taking.class);

  private final Desk desk;
  private final Readiness readiness;
  private final Participants participants;
  private final NeededPlaces neededPlaces;
  private final DiffAreas areas;
  private final Generations generations;

  public Taking(
      Desk desk,
      Readiness readiness,
      Participants participants,
      NeededPlaces neededPlaces,
      DiffAreas areas,
      Generations generations) {
    this.desk = desk;
    this.readiness = readiness;
    this.participants = participants;
    this.neededPlaces = neededPlaces;
    this.areas = areas;
    this.generations = generations;
  }

  TakeResult take(HeldSnapshot snapshot) throws BlksnapException {
    List<String> warnings = new ArrayList<>();
    List<String> names;
    desk.control().lock();
    try {
      check(snapshot);
      names = List.copyOf(snapshot.members().keySet());
    } finally {
      desk.control().unlock();
    }
    Participants.Round round = participants.before(snapshot.id(), names, warnings);
    Quiet quiet = new Quiet(round.heldStill(), warnings);
    boolean done = false;
    long heldNanos = 0;
    try {
      desk.control().lock();
      try {
        heldNanos = takeLocked(snapshot, quiet, warnings);
        done = true;
      } finally {
        desk.control().unlock();
      }
    } finally {
      participants.after(round, done, warnings);
    }
    TakeResult result =
        new TakeResult(quiet.consistency(), quiet.reasons(), warnings, Duration.ofNanos(heldNanos));
    LOG.info(
        "snapshot {} of {} is taken, {} consistent ({}); writers were held for {} us",
        snapshot.id(),
        names,
        result.consistency(),
        String.join("; ", result.reasons()),
        heldNanos / 1000);
    result.warnings().forEach(w -> LOG.warn("snapshot {}: {}", snapshot.id(), w));
    desk.events()
        .offer(
            new BlksnapEvent.Taken(
                Instant.now(),
                desk.events().engine(),
                snapshot.id(),
                names,
                result.consistency(),
                result.reasons()));
    return result;
  }

  private void check(HeldSnapshot snapshot) throws BlksnapException {
    desk.assertControlled();
    snapshot.checkAlive();
    readiness.check();
    if (snapshot.state() == SnapshotState.TAKEN) {
      throw new BlksnapException(Errno.EALREADY, "snapshot " + snapshot.id() + " is taken already");
    }
    if (snapshot.members().isEmpty()) {
      throw new BlksnapException(
          Errno.ENODEV,
          "snapshot " + snapshot.id() + " has no device; add one with blksnap:snapshot-add");
    }
    if (snapshot.storageRoom().isEmpty()) {
      throw new BlksnapException(
          Errno.EFAULT,
          "snapshot "
              + snapshot.id()
              + " has no difference storage; give it some with blksnap:snapshot-append-storage");
    }
    neededPlaces.refuseFrozen(desk.devices().present(snapshot.members().keySet()));
  }

  /** Answers how long writers were held, in nanoseconds. */
  private long takeLocked(HeldSnapshot snapshot, Quiet quiet, List<String> warnings)
      throws BlksnapException {
    check(snapshot);
    List<FilteredDevice> devices = desk.devices().require(snapshot.members().keySet());
    for (FilteredDevice device : devices) {
      DeviceList.requireWhole(device);
      lookAtCapacity(device);
      StoragePlaces.checkBlockSize(device, snapshot.storageRoom().logicalBlockSize());
    }
    BlockSizeRule rule = desk.chunkRule();
    Map<String, UUID> known = generations.of(devices);
    Map<String, SnapshotRecord.Member> before = snapshot.members();
    Take take = new Take(desk.settings(), devices);
    try {
      snapshot.beginTaking(devices, rule);
      take.prepare(
          desk.providers().chunk(),
          rule,
          (chunks, device, held, r) -> areas.make(chunks, snapshot, device, held, r));
      take.run(snapshot.id());
    } catch (Throwable e) {
      if (!take.committed()) {
        take.putBack();
        snapshot.notTaken(before);
        throw e;
      }
      LOG.error("snapshot {}: taken, and then: {}", snapshot.id(), e.toString(), e);
      warnings.add("the snapshot was taken, and after that something failed: " + e);
    }
    warnings.addAll(take.warnings());
    take.tell(quiet);
    try {
      snapshot.becomeTaken(take, devices, quiet);
    } catch (BlksnapException e) {
      warnings.add("the snapshot will not outlive this process: " + e.getMessage());
    }
    generations.announceNew(devices, known);
    return take.heldNanos();
  }

  private static void lookAtCapacity(FilteredDevice device) throws BlksnapException {
    try {
      device.rescan();
    } catch (BlksnapException e) {
      throw e;
    } catch (IOException e) {
      throw new BlksnapException(
          BlksnapException.errnoOf(e),
          "device " + device.name() + ": its capacity was not read: " + e,
          e);
    }
  }
}

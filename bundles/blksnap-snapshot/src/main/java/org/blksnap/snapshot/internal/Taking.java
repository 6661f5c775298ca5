// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal;

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
import org.blksnap.api.snapshot.TakeResult;
import org.blksnap.enginebase.Participants;

/**
 * One call of {@link HeldSnapshot#take}: participants are asked without a lock, then the record,
 * the diff areas and the maps follow under the control lock, then the participants are told.
 *
 * <p>All or nothing, after an Error too. Before the commit of {@link Take} whatever is thrown puts
 * everything back. After it the snapshot exists: what is thrown then becomes a warning.
 */
final class Taking {
  private final Engine engine;
  private final HeldSnapshot snapshot;
  private final List<String> warnings = new ArrayList<>();

  Taking(Engine engine, HeldSnapshot snapshot) {
    this.engine = engine;
    this.snapshot = snapshot;
  }

  TakeResult run() throws BlksnapException {
    List<String> names;
    engine.control.lock();
    try {
      check();
      names = snapshot.devices();
    } finally {
      engine.control.unlock();
    }
    Participants.Round round = engine.participants().before(snapshot.id(), names, warnings);
    Quiet quiet = new Quiet(round.heldStill(), warnings);
    boolean done = false;
    long heldNanos = 0;
    try {
      engine.control.lock();
      try {
        heldNanos = takeLocked(quiet);
        done = true;
      } finally {
        engine.control.unlock();
      }
    } finally {
      engine.participants().after(round, done, warnings);
    }
    TakeResult result =
        new TakeResult(quiet.consistency(), quiet.reasons(), warnings, Duration.ofNanos(heldNanos));
    engine
        .log()
        .info(
            "snapshot {} of {} is taken, {} consistent ({}); writers were held for {} us",
            snapshot.id(),
            names,
            result.consistency(),
            String.join("; ", result.reasons()),
            heldNanos / 1000);
    result.warnings().forEach(w -> engine.log().warn("snapshot {}: {}", snapshot.id(), w));
    engine
        .events()
        .offer(
            new BlksnapEvent.Taken(
                Instant.now(),
                engine.events().engine(),
                snapshot.id(),
                names,
                result.consistency(),
                result.reasons()));
    return result;
  }

  private void check() throws BlksnapException {
    engine.assertControlled();
    snapshot.checkNotTaken();
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
    engine.neededPlaces().refuseFrozen(engine.deviceList().of(snapshot));
  }

  /** Answers how long writers were held, in nanoseconds. */
  private long takeLocked(Quiet quiet) throws BlksnapException {
    check();
    List<FilteredDevice> devices = engine.deviceList().require(snapshot.members().keySet());
    for (FilteredDevice device : devices) {
      DeviceList.requireWhole(device);
      engine.lookAtCapacity(device);
      StoragePlaces.checkBlockSize(device, snapshot.storageRoom().logicalBlockSize());
    }
    BlockSizeRule rule = engine.parameters().chunkRule();
    Map<String, UUID> generations = engine.generations().of(devices);
    Map<String, SnapshotRecord.Member> before = snapshot.members();
    Take take = new Take(engine.settings(), devices);
    try {
      snapshot.beginTaking(devices, rule);
      take.prepare(
          engine.providers().chunk(),
          rule,
          (chunks, device, held, r) -> engine.areas().make(chunks, snapshot, device, held, r));
      take.run(snapshot.id());
    } catch (Throwable e) {
      if (!take.committed()) {
        take.putBack();
        snapshot.notTaken(before);
        throw e;
      }
      engine.log().error("snapshot {}: taken, and then: {}", snapshot.id(), e.toString(), e);
      warnings.add("the snapshot was taken, and after that something failed: " + e);
    }
    warnings.addAll(take.warnings());
    take.tell(quiet);
    try {
      snapshot.becomeTaken(take, devices, quiet);
    } catch (BlksnapException e) {
      warnings.add("the snapshot will not outlive this process: " + e.getMessage());
    }
    engine.generations().announceNew(devices, generations);
    return take.heldNanos();
  }
}

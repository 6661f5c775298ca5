// SPDX-License-Identifier: Apache-2.0
package org.blksnap.kernel.internal.snapshot;

import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Consistency;
import org.blksnap.api.block.Errno;
import org.blksnap.api.event.BlksnapEvent;
import org.blksnap.api.snapshot.SnapshotState;
import org.blksnap.api.snapshot.TakeResult;
import org.blksnap.enginebase.Participants;
import org.blksnap.kernel.internal.device.LiveDevice;
import org.blksnap.kernel.internal.record.KnownMap;
import org.blksnap.kernel.internal.record.SnapshotRecord;
import org.blksnap.kernel.internal.record.SnapshotRecord.Member;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Takes a snapshot: participants are asked without a lock, then the kernel takes it in one call,
 * then the record says how. The kernel's answer is all or nothing; what fails after it becomes a
 * warning. A kill after the call and before the record: the next start asks the kernel.
 */
public final class Taking {
  private static final Logger LOG = LoggerFactory.getLogger(Taking.class);

  private final Desk desk;
  private final Participants participants;
  private final Images images;

  public Taking(Desk desk, Participants participants) {
    this.desk = desk;
    this.participants = participants;
    this.images = new Images(desk);
  }

  TakeResult take(HeldSnapshot snapshot) throws BlksnapException {
    List<String> warnings = new ArrayList<>();
    List<String> names;
    desk.control().lock();
    try {
      check(snapshot);
      names = snapshot.deviceNames();
    } finally {
      desk.control().unlock();
    }
    Participants.Round round = participants.before(snapshot.id(), names, warnings);
    Stillness stillness = new Stillness(List.copyOf(round.heldStill()), List.copyOf(warnings));
    boolean done = false;
    try {
      desk.control().lock();
      try {
        takeLocked(snapshot, stillness, warnings);
        done = true;
      } finally {
        desk.control().unlock();
      }
    } finally {
      participants.after(round, done, warnings);
    }
    // The kernel does not tell how long it held the writers.
    TakeResult result =
        new TakeResult(stillness.consistency(), stillness.reasons(), warnings, Duration.ZERO);
    LOG.info(
        "snapshot {} of {} is taken, {} consistent ({})",
        snapshot.id(),
        names,
        result.consistency(),
        String.join("; ", result.reasons()));
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
    snapshot.checkAlive();
    desk.checkRunning();
    if (snapshot.state() == SnapshotState.TAKEN) {
      throw new BlksnapException(Errno.EALREADY, "snapshot " + snapshot.id() + " is taken already");
    }
    if (snapshot.record().members().isEmpty()) {
      throw new BlksnapException(
          Errno.ENODEV,
          "snapshot " + snapshot.id() + " has no device; add one with blksnap:snapshot-add");
    }
    if (snapshot.storage().isEmpty()) {
      throw new BlksnapException(
          Errno.EFAULT,
          "snapshot "
              + snapshot.id()
              + " has no difference storage; give it some with blksnap:snapshot-append-storage");
    }
  }

  private void takeLocked(HeldSnapshot snapshot, Stillness stillness, List<String> warnings)
      throws BlksnapException {
    check(snapshot);
    for (Member member : snapshot.record().members()) {
      look(desk.devices().require(member.device()));
    }
    snapshot.keep(snapshot.record().in(SnapshotRecord.Phase.TAKING));
    boolean done = false;
    try {
      desk.module().tell(m -> m.take(snapshot.id()));
      done = true;
    } finally {
      if (!done) {
        snapshot.become(snapshot.record().in(SnapshotRecord.Phase.CREATED));
      }
    }
    List<Member> members = new ArrayList<>();
    for (Member member : snapshot.record().members()) {
      members.add(taken(member, warnings));
    }
    snapshot
        .become(
            snapshot
                .record()
                .takenAt(Instant.now(), stillness.consistency(), stillness.reasons(), members))
        .ifPresent(why -> warnings.add("the next start will have to ask the kernel: " + why));
    images.link(snapshot);
  }

  /** Its capacity as it is now, and the map before the take, so that a wrap is seen as one. */
  private static void look(LiveDevice device) throws BlksnapException {
    try {
      device.rescan();
      device.changes().info();
    } catch (BlksnapException e) {
      throw e;
    } catch (IOException e) {
      throw new BlksnapException(
          BlksnapException.errnoOf(e),
          "device " + device.name() + ": its capacity was not read: " + e,
          e);
    }
  }

  /** A take that was under way when its process was killed, as the kernel has it. */
  SnapshotRecord found(SnapshotRecord record) throws BlksnapException {
    List<String> warnings = new ArrayList<>();
    List<Member> members = new ArrayList<>();
    boolean taken = false;
    for (Member member : record.members()) {
      Member now = taken(member, warnings);
      taken |= !now.image().isEmpty();
      members.add(now);
    }
    warnings.forEach(w -> LOG.warn("snapshot {}: {}", record.id(), w));
    return taken
        ? record.takenAt(
            Instant.now(),
            Consistency.CRASH,
            List.of("the engine was killed during the take; the kernel took it all the same"),
            members)
        : record.in(SnapshotRecord.Phase.CREATED);
  }

  /** What the kernel says of a member just taken; what it does not say stays open. */
  private Member taken(Member member, List<String> warnings) {
    String image = "";
    try {
      image = images.stateOf(member).image();
      if (image.isEmpty()) {
        warnings.add(
            "the kernel names no image of device "
                + member.device()
                + " (it may be gone); it is asked again each second");
      }
    } catch (BlksnapException e) {
      warnings.add("the image of device " + member.device() + " was not found: " + e);
    }
    return member.taken(image, mapOf(member, warnings));
  }

  private Optional<KnownMap> mapOf(Member member, List<String> warnings) {
    try {
      LiveDevice device = desk.devices().require(member.device());
      return Optional.of(KnownMap.of(device.changes().info()));
    } catch (IOException e) {
      warnings.add("the change map of device " + member.device() + " was not read: " + e);
      return Optional.empty();
    }
  }
}

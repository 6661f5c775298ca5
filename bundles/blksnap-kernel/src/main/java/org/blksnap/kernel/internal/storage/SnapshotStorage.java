// SPDX-License-Identifier: Apache-2.0
package org.blksnap.kernel.internal.storage;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.ByteRange;
import org.blksnap.api.block.Geometry;
import org.blksnap.api.snapshot.StorageStatus;
import org.blksnap.kernel.internal.device.LiveDevice;
import org.blksnap.kernel.internal.host.Disk;
import org.blksnap.kernel.internal.host.Disks;
import org.blksnap.kernel.internal.host.PresentModule;
import org.blksnap.kernel.internal.record.StoragePart;
import org.blksnap.kernel.internal.record.StorageRecord;

/**
 * The difference storage of one snapshot: what the kernel was given, and directories it grows in.
 *
 * <pre>
 * working ──release──► released (what could not be given back is tried again)
 *    └────leave──────► left (the successor's from here on)
 * </pre>
 *
 * <p>Invariant: what the kernel has is claimed, held and in the record before it gets it. The
 * kernel asks for more once what it has is nearly filled, and not again before it was given all it
 * asked for; a directory answers at once, up to its limit, and once more later where it could not.
 * Not under the engine's control lock: a take of another snapshot may hold that for longer than the
 * kernel waits. One lock: the record, held while a file is made; queries read one volatile picture.
 */
public final class SnapshotStorage {
  /** Longest wait for a file that is being made when the engine leaves. */
  private static final long LEAVE_SECONDS = 5;

  private final UUID id;
  private final PresentModule module;
  private final Disks disks;
  private final Lending lending;
  private final StorageChecks checks;
  private final Supplier<List<LiveDevice>> members;
  private final ReentrantLock lock = new ReentrantLock();

  private final Given given;

  @GuardedBy("lock")
  private final Growth growth;

  @GuardedBy("lock")
  private boolean released;

  /** {@code directory} is the snapshot's; {@code members} its attached devices. */
  public SnapshotStorage(
      UUID id,
      Path directory,
      StorageRecord record,
      PresentModule module,
      Disks disks,
      Lending lending,
      StorageChecks checks,
      Supplier<List<LiveDevice>> members) {
    this.id = id;
    this.module = module;
    this.disks = disks;
    this.lending = lending;
    this.checks = checks;
    this.members = members;
    this.given = new Given(id, directory, record, module, disks, lending, checks);
    this.growth = new Growth(id, given, module, lending, checks);
  }

  private StorageRecord record() {
    return given.record();
  }

  public UUID id() {
    return id;
  }

  public boolean isEmpty() {
    return record().parts().isEmpty();
  }

  /** Places that the kernel stores in and that are not held, with the reason; for the doctor. */
  public List<String> unheld() {
    return given.unheld();
  }

  /**
   * The kernel has it, and a predecessor gave it: all is held again. A predecessor that did not
   * leave in order may have been killed between a request and its record, or a record and what it
   * tells of: then one portion more than needed is given.
   */
  public void adopted() {
    lock.lock();
    try {
      given.hold();
      StorageRecord old = record();
      try {
        given.keep(
            old.left() || old.places().isEmpty()
                ? old.asked(old.requested(), old.filled())
                : old.asked(
                    Math.max(old.requested(), old.capacity()) + growth.spare(old), old.filled()));
      } catch (BlksnapException e) {
        growth.say(e);
      }
      growth.growAll();
    } finally {
      lock.unlock();
    }
  }

  /** What a record tells of is held, whoever has the snapshot. */
  public void holdAgain() {
    lock.lock();
    try {
      given.hold();
    } finally {
      lock.unlock();
    }
  }

  /** Ranges of a block device or file; none means all of it. */
  public void appendRanges(Path path, List<ByteRange> ranges) throws BlksnapException {
    Path place = path.toAbsolutePath().normalize();
    lock.lock();
    try {
      if (disks.isFile(place)) {
        appendFile(place, ranges);
      } else {
        appendDevice(place, ranges);
      }
    } finally {
      lock.unlock();
    }
  }

  @GuardedBy("lock")
  private void appendFile(Path place, List<ByteRange> ranges) throws BlksnapException {
    Disk beneath = lending.beneath(place);
    checks.place(place, beneath, members.get());
    Geometry geometry = checks.fileGeometry(place, beneath);
    List<ByteRange> whole = wholeOr(ranges, geometry);
    checks.ranges(place, whole, geometry);
    given.give(lending.lend(id, place, whole));
  }

  @GuardedBy("lock")
  private void appendDevice(Path place, List<ByteRange> ranges) throws BlksnapException {
    Geometry geometry = checks.geometry(place);
    List<ByteRange> whole = wholeOr(ranges, geometry);
    checks.ranges(place, whole, geometry);
    Disk disk = disks.find(place);
    Lent lent = lending.device(id, place, disk, whole);
    boolean done = false;
    try {
      boolean own =
          checks.blockDevice(place, disk, ranges, geometry, members.get(), lending.holds(disk));
      if (!own) {
        lending.hold(lent);
      }
      done = true;
    } finally {
      if (!done) {
        given.takeBack(lent);
      }
    }
    given.give(lent);
  }

  private static List<ByteRange> wholeOr(List<ByteRange> ranges, Geometry geometry) {
    int block = geometry.logicalBlockSize();
    return ranges.isEmpty()
        ? List.of(new ByteRange(0, geometry.capacity() / block * block))
        : ranges;
  }

  /** A directory that it grows in. */
  public void appendDirectory(Path path, long limit) throws BlksnapException {
    Path place = path.toAbsolutePath().normalize();
    lock.lock();
    try {
      StorageChecks.directory(place, limit, record().places());
      checks.place(place, lending.beneath(place), members.get());
      StorageRecord.Place added = new StorageRecord.Place(place, limit);
      given.keep(record().and(added));
      boolean done = false;
      try {
        growth.grow(added, Math.max(growth.portion(), growth.unanswered()));
        done = true;
      } finally {
        if (!done) {
          given.strike(record().without(added));
        }
      }
    } finally {
      lock.unlock();
    }
  }

  /**
   * The kernel asks for a further portion. Answers the bytes that it asked for and was not given,
   * since no directory has room for them.
   */
  public long asked(long bytes) {
    lock.lock();
    try {
      if (released || given.hasLeft()) {
        return 0;
      }
      StorageRecord old = record();
      // The first portion is asked for at the creation; a later one once half of one is left.
      long filled = old.requested() == 0 ? 0 : Math.max(old.filled(), old.requested() - bytes / 2);
      given.strike(old.asked(old.requested() + bytes, filled));
      growth.growAll();
      return growth.unanswered();
    } finally {
      lock.unlock();
    }
  }

  /**
   * What could not be done before is tried again. Answers whether something is still owed. May wait
   * for the bridge: in the snapshot's own thread.
   */
  public boolean again() {
    lock.lock();
    try {
      if (released || given.hasLeft()) {
        return false;
      }
      boolean owed = given.again();
      growth.growAll();
      return owed || growth.unanswered() > 0 && !record().places().isEmpty();
    } finally {
      lock.unlock();
    }
  }

  /** A device that is to be added. */
  public void check(LiveDevice device) throws BlksnapException {
    List<LiveDevice> alone = List.of(device);
    lock.lock();
    try {
      for (StorageRecord.Place place : record().places()) {
        checks.place(place.directory(), lending.beneath(place.directory()), alone);
      }
      for (StoragePart part : record().parts()) {
        if (part.lentFile()) {
          checks.place(part.given(), lending.beneath(part.given()), alone);
        } else {
          StorageChecks.blockSize(alone, checks.geometry(part.given()).logicalBlockSize());
        }
      }
    } finally {
      lock.unlock();
    }
  }

  /** {@code overflown}: an image was lost for want of room. */
  public StorageStatus status(boolean overflown) {
    StorageRecord now = record();
    List<String> words = new ArrayList<>();
    for (StoragePart part : now.parts()) {
      words.add(part.given() + ": " + part.bytes() + " bytes");
    }
    for (StorageRecord.Place place : now.places()) {
      words.add(place.directory() + ": grows up to " + place.limit() + " bytes");
    }
    words.add("how much is filled is known only from when the kernel asked for more");
    return new StorageStatus(
        now.capacity(),
        now.filled(),
        now.requested(),
        now.places().stream().mapToLong(StorageRecord.Place::limit).sum(),
        overflown,
        words);
  }

  /**
   * The kernel has let go of it all. Answers why some could not be given back; that stays claimed
   * and in the record, and this is called again.
   */
  public Optional<String> release() {
    lock.lock();
    try {
      released = true;
      return Optional.ofNullable(given.release());
    } finally {
      lock.unlock();
    }
  }

  /** The engine stops: all stays with the kernel, and the record is the successor's. */
  public void leave() {
    try {
      if (lock.tryLock(LEAVE_SECONDS, TimeUnit.SECONDS)) {
        try {
          leaveInOrder();
        } finally {
          lock.unlock();
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    given.abandon();
  }

  private void leaveInOrder() {
    lock.lock();
    try {
      given.leave(!released);
    } finally {
      lock.unlock();
    }
  }
}

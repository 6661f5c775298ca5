// SPDX-License-Identifier: Apache-2.0
package org.blksnap.kernel.internal.storage;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.function.Supplier;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.ByteRange;
import org.blksnap.api.block.Errno;
import org.blksnap.api.block.Geometry;
import org.blksnap.api.snapshot.Parameter;
import org.blksnap.api.snapshot.StorageStatus;
import org.blksnap.kernel.internal.device.LiveDevice;
import org.blksnap.kernel.internal.host.Disk;
import org.blksnap.kernel.internal.host.Disks;
import org.blksnap.kernel.internal.host.PresentModule;
import org.blksnap.kernel.internal.record.StoragePart;
import org.blksnap.kernel.internal.record.StorageRecord;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The difference storage of one snapshot: what the kernel was given, and directories it grows in.
 *
 * <p>Invariant: what the kernel has is in the record before it gets it. The kernel asks for more
 * once what it has is nearly filled, and not again before it was given all it asked for; a
 * directory answers at once, up to its limit. Not under the engine's control lock: a take of
 * another snapshot may hold that for longer than the kernel waits. Monitor: the record, held while
 * a file is made; queries read one volatile picture.
 */
public final class SnapshotStorage {
  private static final Logger LOG = LoggerFactory.getLogger(SnapshotStorage.class);

  /** Least bytes of one file of ours. */
  private static final long LEAST_FILE = 1 << 20;

  private final UUID id;
  private final Path directory;
  private final PresentModule module;
  private final Disks disks;
  private final Lending lending;
  private final StorageChecks checks;
  private final Supplier<List<LiveDevice>> members;

  @GuardedBy("this")
  private int nextFile;

  @GuardedBy("this")
  private boolean released;

  /** Changed with the monitor held. */
  private volatile StorageRecord record;

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
    this.directory = directory;
    this.record = record;
    this.module = module;
    this.disks = disks;
    this.lending = lending;
    this.checks = checks;
    this.members = members;
    this.nextFile = record.parts().size();
  }

  public List<StoragePart> parts() {
    return record.parts();
  }

  public boolean isEmpty() {
    return record.parts().isEmpty();
  }

  /** Ranges of a block device or file; none means all of it. */
  public synchronized void appendRanges(Path path, List<ByteRange> ranges) throws BlksnapException {
    Path place = path.toAbsolutePath().normalize();
    Geometry geometry = checks.geometry(place);
    List<ByteRange> whole =
        ranges.isEmpty() ? List.of(new ByteRange(0, wholeBlocks(geometry))) : ranges;
    checks.ranges(place, whole, geometry);
    if (disks.isFile(place)) {
      checks.place(place, lending.beneath(place), members.get());
      StoragePart part = lending.lend(place, whole);
      boolean done = false;
      try {
        give(part);
        done = true;
      } finally {
        if (!done) {
          lending.giveBack(part);
        }
      }
      return;
    }
    Disk disk = disks.find(place);
    checks.blockDevice(place, disk, ranges, geometry, members.get());
    give(new StoragePart(place, disk.number(), whole, false, false));
  }

  private static long wholeBlocks(Geometry geometry) {
    return geometry.capacity() / geometry.logicalBlockSize() * geometry.logicalBlockSize();
  }

  /** Written down, then the kernel gets it; struck again where that is refused. */
  @GuardedBy("this")
  private void give(StoragePart part) throws BlksnapException {
    checks.notGivenBefore(part);
    Path node = part.lentFile() ? disks.find(Path.of(part.device())).node() : part.given();
    StorageRecord before = record;
    List<StoragePart> parts = new ArrayList<>(before.parts());
    parts.add(part);
    keep(before.with(parts));
    boolean done = false;
    try {
      module.tell(m -> m.appendStorage(id, node, part.ranges()));
      done = true;
    } finally {
      if (!done) {
        strike(before);
      }
    }
  }

  @GuardedBy("this")
  private void strike(StorageRecord before) {
    try {
      keep(before);
    } catch (BlksnapException e) {
      record = before;
      LOG.warn("snapshot {}: refused storage stays written down: {}", id, e.toString());
    }
  }

  @GuardedBy("this")
  private void keep(StorageRecord next) throws BlksnapException {
    try {
      next.write(directory);
      record = next;
    } catch (IOException e) {
      throw new BlksnapException(
          BlksnapException.errnoOf(e),
          "snapshot "
              + id
              + ": what its storage is was not written down, so nothing was given: "
              + e,
          e);
    }
  }

  /** A directory that it grows in. */
  public synchronized void appendDirectory(Path path, long limit) throws BlksnapException {
    Path place = path.toAbsolutePath().normalize();
    check(place, limit);
    checks.place(place, lending.beneath(place), members.get());
    StorageRecord.Place added =
        new StorageRecord.Place(place, limit / ByteRange.SECTOR * ByteRange.SECTOR);
    keep(record.and(added));
    boolean done = false;
    try {
      grow(added, Math.max(portion(), unanswered()));
      done = true;
    } finally {
      if (!done) {
        strike(record.without(added));
      }
    }
  }

  private void check(Path place, long limit) throws BlksnapException {
    if (limit < ByteRange.SECTOR) {
      throw new BlksnapException(
          Errno.EINVAL,
          "limit of " + limit + " bytes for " + place + " refused: allowed are 512 and more");
    }
    if (!Files.isDirectory(place)) {
      throw new BlksnapException(
          Files.exists(place) ? Errno.ENOTDIR : Errno.ENOENT,
          "storage directory "
              + place
              + " refused: "
              + (Files.exists(place) ? "it is no directory" : "there is none"));
    }
    if (record.places().stream().anyMatch(known -> known.directory().equals(place))) {
      throw new BlksnapException(
          Errno.EINVAL, "storage directory " + place + " refused: it was given before");
    }
  }

  /** Bytes that the kernel asks for at a time. */
  private long portion() throws BlksnapException {
    String name = Parameter.DIFF_STORAGE_MINIMUM.key();
    long usual = Parameter.DIFF_STORAGE_MINIMUM.defaultValue();
    return module.ask(m -> m.parameters()).getOrDefault(name, usual) * ByteRange.SECTOR;
  }

  private long unanswered() {
    return Math.max(0, record.requested() - record.capacity());
  }

  /** So much more, or what there is; at least something, else ENOSPC. */
  @GuardedBy("this")
  private void grow(StorageRecord.Place place, long wanted) throws BlksnapException {
    long room = place.limit() - record.grownIn(place.directory());
    long size = Math.min(wanted, room);
    if (size < ByteRange.SECTOR) {
      throw new BlksnapException(
          Errno.ENOSPC,
          "storage in " + place.directory() + " has reached its limit of " + place.limit());
    }
    while (true) {
      try {
        growBy(place, size);
        return;
      } catch (BlksnapException e) {
        if (e.errno() != Errno.ENOSPC || size / 2 < LEAST_FILE) {
          throw e;
        }
        size = size / 2 / ByteRange.SECTOR * ByteRange.SECTOR;
      }
    }
  }

  @GuardedBy("this")
  private void growBy(StorageRecord.Place place, long size) throws BlksnapException {
    StoragePart part = lending.make(place.directory(), id, nextFile++, size);
    boolean done = false;
    try {
      give(part);
      done = true;
    } finally {
      if (!done) {
        lending.giveBack(part);
      }
    }
  }

  /**
   * The kernel asks for a further portion. Answers the bytes that it asked for and was not given,
   * since no directory has room for them.
   */
  public synchronized long asked(long bytes) {
    if (released) {
      return 0;
    }
    StorageRecord old = record;
    // The first portion is asked for at the creation; a later one once half of one is left.
    long filled = old.requested() == 0 ? 0 : Math.max(old.filled(), old.requested() - bytes / 2);
    try {
      keep(old.asked(old.requested() + bytes, filled));
    } catch (BlksnapException e) {
      record = old.asked(old.requested() + bytes, filled);
      LOG.warn("snapshot {}: {}", id, e.toString());
    }
    for (StorageRecord.Place place : record.places()) {
      while (unanswered() > 0) {
        try {
          grow(place, unanswered());
        } catch (BlksnapException e) {
          if (e.errno() != Errno.ESRCH) {
            LOG.warn("snapshot {}: its storage does not grow: {}", id, e.toString());
          }
          break;
        }
      }
    }
    return unanswered();
  }

  /** A device that is to be added. */
  public synchronized void check(LiveDevice device) throws BlksnapException {
    List<LiveDevice> alone = List.of(device);
    for (StorageRecord.Place place : record.places()) {
      checks.place(place.directory(), lending.beneath(place.directory()), alone);
    }
    for (StoragePart part : record.parts()) {
      if (part.lentFile()) {
        checks.place(part.given(), lending.beneath(part.given()), alone);
      } else {
        StorageChecks.blockSize(alone, checks.geometry(part.given()).logicalBlockSize());
      }
    }
  }

  /** {@code overflown}: an image was lost for want of room. */
  public StorageStatus status(boolean overflown) {
    StorageRecord now = record;
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

  /** The kernel has let go of it all. */
  public synchronized void release() {
    released = true;
    release(id, record, lending);
  }

  /** As {@link #release()}, of a snapshot that is known by its record alone. */
  public static void release(UUID id, StorageRecord record, Lending lending) {
    record.parts().forEach(lending::giveBack);
    for (StorageRecord.Place place : record.places()) {
      lending.removeLeftOvers(place.directory(), id);
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
package org.blksnap.kernel.internal.storage;

import java.util.List;
import java.util.UUID;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.ByteRange;
import org.blksnap.api.block.Errno;
import org.blksnap.api.snapshot.Parameter;
import org.blksnap.kernel.internal.host.PresentModule;
import org.blksnap.kernel.internal.record.StoragePart;
import org.blksnap.kernel.internal.record.StorageRecord;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How the storage of a snapshot grows in its directories: by files of ours, each as large as what
 * the kernel waits for, or what there is room for. Guarded by the lock of its {@link
 * SnapshotStorage}.
 */
final class Growth {
  private static final Logger LOG = LoggerFactory.getLogger(Growth.class);

  /** Least bytes of one file of ours. */
  private static final long LEAST_FILE = 1 << 20;

  /** Most names that are taken already, one after another. */
  private static final int MOST_NAMES_TAKEN = 10_000;

  private final UUID id;
  private final Given given;
  private final PresentModule module;
  private final Lending lending;
  private final StorageChecks checks;
  private int nextFile;

  /** What was said last of something that does not work. */
  private String said = "";

  Growth(UUID id, Given given, PresentModule module, Lending lending, StorageChecks checks) {
    this.id = id;
    this.given = given;
    this.module = module;
    this.lending = lending;
    this.checks = checks;
    this.nextFile =
        given.record().parts().stream().mapToInt(part -> numberOf(part) + 1).max().orElse(0);
  }

  private int numberOf(StoragePart part) {
    return part.lent() ? Returning.numberOf(part.given(), id) : -1;
  }

  /** Bytes that the kernel asks for at a time. */
  long portion() throws BlksnapException {
    String name = Parameter.DIFF_STORAGE_MINIMUM.key();
    long usual = Parameter.DIFF_STORAGE_MINIMUM.defaultValue();
    return module.ask(m -> m.parameters()).getOrDefault(name, usual) * ByteRange.SECTOR;
  }

  long unanswered() {
    return Math.max(0, given.record().requested() - given.record().capacity());
  }

  /** So much more, or what there is; at least something, else ENOSPC. */
  void grow(StorageRecord.Place place, long wanted) throws BlksnapException {
    long unit = checks.unit(lending.beneath(place.directory()));
    long room = place.limit() - given.record().grownIn(place.directory());
    long size = Math.min((wanted + unit - 1) / unit * unit, room / unit * unit);
    if (size <= 0) {
      throw new BlksnapException(
          Errno.ENOSPC,
          "storage in "
              + place.directory()
              + " has reached its limit: "
              + given.record().grownIn(place.directory())
              + " of "
              + place.limit()
              + " bytes are given, and a file has "
              + unit
              + " at least; give another directory, or a block device, with"
              + " blksnap:snapshot-append-storage");
    }
    while (true) {
      try {
        growBy(place, size);
        return;
      } catch (BlksnapException e) {
        if (e.errno() != Errno.ENOSPC || size <= LEAST_FILE) {
          throw e;
        }
        size = Math.max(LEAST_FILE, size / 2 / unit * unit);
      }
    }
  }

  private void growBy(StorageRecord.Place place, long size) throws BlksnapException {
    for (int tries = 0; ; tries++) {
      try {
        given.give(lending.make(place.directory(), id, nextFile++, size));
        return;
      } catch (BlksnapException e) {
        if (e.errno() != Errno.EEXIST || tries >= MOST_NAMES_TAKEN) {
          throw e;
        }
      }
    }
  }

  /** What the kernel asked for and was not given, as far as there is room. */
  void growAll() {
    for (StorageRecord.Place place : given.record().places()) {
      while (unanswered() > 0) {
        try {
          grow(place, unanswered());
        } catch (BlksnapException e) {
          if (e.errno() != Errno.ESRCH) {
            say(e);
          }
          break;
        }
      }
    }
  }

  /** Said once. */
  void say(BlksnapException why) {
    if (!why.toString().equals(said)) {
      said = why.toString();
      LOG.warn("snapshot {}: its storage does not grow: {}", id, said);
    }
  }

  /** What may have been lost at the end of a predecessor, at most. */
  long spare(StorageRecord old) throws BlksnapException {
    List<StoragePart> parts = old.parts();
    StoragePart last = parts.isEmpty() ? null : parts.get(parts.size() - 1);
    return Math.max(portion(), last != null && last.lent() ? last.bytes() : 0);
  }
}

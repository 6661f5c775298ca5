// SPDX-License-Identifier: Apache-2.0
package org.blksnap.kernel.internal.storage;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.kernel.internal.host.Disks;
import org.blksnap.kernel.internal.host.PresentModule;
import org.blksnap.kernel.internal.record.StoragePart;
import org.blksnap.kernel.internal.record.StorageRecord;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What one snapshot was given: claimed, held and in the record before the kernel gets it, and all
 * that until it was given back. Guarded by the lock of its {@link SnapshotStorage}, but for the two
 * pictures that queries read.
 */
final class Given {
  private static final Logger LOG = LoggerFactory.getLogger(Given.class);

  private final UUID id;
  private final Path directory;
  private final PresentModule module;
  private final Disks disks;
  private final Lending lending;
  private final StorageChecks checks;
  private final List<Lent> lents = new ArrayList<>();

  /** Refused, and not given back: it is tried again. */
  private final List<Lent> refused = new ArrayList<>();

  /** The record is the successor's from here on. */
  private volatile boolean left;

  /** What is not held open though it should be, and why. */
  private volatile List<String> unheld = List.of();

  private volatile StorageRecord record;

  /** What the record tells of is claimed, and not held. */
  Given(
      UUID id,
      Path directory,
      StorageRecord record,
      PresentModule module,
      Disks disks,
      Lending lending,
      StorageChecks checks) {
    this.id = id;
    this.directory = directory;
    this.record = record;
    this.module = module;
    this.disks = disks;
    this.lending = lending;
    this.checks = checks;
    for (StoragePart part : record.parts()) {
      lents.add(lending.remembered(id, part));
    }
  }

  StorageRecord record() {
    return record;
  }

  List<String> unheld() {
    return unheld;
  }

  boolean hasLeft() {
    return left;
  }

  /** All that is lent, as far as it can be. */
  void hold() {
    List<String> not = new ArrayList<>();
    for (Lent lent : lents) {
      try {
        if (!lent.isHeld()) {
          hold(lent);
        }
      } catch (BlksnapException e) {
        not.add(lent.part.given() + ": " + e.getMessage());
      }
    }
    if (!not.isEmpty() && !not.equals(unheld)) {
      LOG.error(
          "snapshot {}: the kernel stores in these, and nothing keeps them in place: {}", id, not);
    }
    unheld = List.copyOf(not);
  }

  private void hold(Lent lent) throws BlksnapException {
    if (lent.part.lentFile()) {
      lending.holdFile(lent);
    } else if (!checks.isAttached(lent.part.device())) {
      lending.hold(lent);
    }
  }

  /** Written down, then the kernel gets it; struck again and taken back where that is refused. */
  void give(Lent lent) throws BlksnapException {
    StorageRecord before = record;
    boolean written = false;
    boolean done = false;
    try {
      StoragePart part = lent.part;
      Path node = part.lentFile() ? disks.find(Path.of(part.device())).node() : part.given();
      List<StoragePart> parts = new ArrayList<>(before.parts());
      parts.add(part);
      keep(before.with(parts));
      written = true;
      module.tell(m -> m.appendStorage(id, node, part.ranges()));
      lents.add(lent);
      done = true;
    } catch (BlksnapException e) {
      if (written && e.errno() == Errno.EINTR) {
        // The kernel may have it.
        lents.add(lent);
        done = true;
      }
      throw e;
    } finally {
      if (!done) {
        if (written) {
          strike(before);
        }
        takeBack(lent);
      }
    }
  }

  /** It was not given after all. */
  void takeBack(Lent lent) {
    try {
      lending.giveBack(lent);
    } catch (BlksnapException e) {
      refused.add(lent);
      LOG.warn("snapshot {}: {} was not given back yet: {}", id, lent.part.given(), e.toString());
    }
  }

  /** As before, also where that cannot be written. */
  void strike(StorageRecord before) {
    try {
      keep(before);
    } catch (BlksnapException e) {
      record = before;
      LOG.warn("snapshot {}: what its storage is was not written down: {}", id, e.toString());
    }
  }

  /** On disk when it returns. ESHUTDOWN: it has left. */
  void keep(StorageRecord next) throws BlksnapException {
    if (left) {
      throw new BlksnapException(
          Errno.ESHUTDOWN, "the kernel engine has stopped; ask its successor for storage");
    }
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

  /** What could not be done before is tried again. Answers whether something is still owed. */
  boolean again() {
    if (!unheld.isEmpty()) {
      hold();
    }
    for (Lent lent : List.copyOf(refused)) {
      refused.remove(lent);
      takeBack(lent);
    }
    return !unheld.isEmpty() || !refused.isEmpty();
  }

  /**
   * The kernel has let go of it all. Answers why some could not be given back; null where all is.
   */
  String release() {
    lents.addAll(refused);
    refused.clear();
    String why = null;
    for (Lent lent : List.copyOf(lents)) {
      try {
        lending.giveBack(lent);
        lents.remove(lent);
      } catch (BlksnapException e) {
        why = lent.part.given() + " was not given back: " + e.getMessage();
      }
    }
    for (StorageRecord.Place place : record.places()) {
      try {
        if (why == null) {
          lending.removeLeftOvers(place.directory(), id);
        }
      } catch (BlksnapException e) {
        why = e.getMessage();
      }
    }
    if (why != null) {
      strike(record.with(lents.stream().map(lent -> lent.part).toList()));
    }
    return why;
  }

  /** Nothing is under way. {@code inOrder}: that is written down. */
  void leave(boolean inOrder) {
    try {
      if (inOrder && !left && !record.equals(StorageRecord.NONE)) {
        record.leaving().write(directory);
      }
    } catch (IOException e) {
      LOG.warn("snapshot {}: the successor will give storage once more: {}", id, e.toString());
    }
    left = true;
    lents.forEach(Lent::close);
  }

  /** Nothing is written from here on, whatever is under way. */
  void abandon() {
    left = true;
  }
}

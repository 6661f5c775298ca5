// SPDX-License-Identifier: Apache-2.0
package org.blksnap.control.internal.doctor;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.ByteRange;
import org.blksnap.api.block.Errno;
import org.blksnap.api.health.Finding;
import org.blksnap.api.health.Finding.Severity;
import org.blksnap.api.snapshot.ImageInfo;
import org.blksnap.api.snapshot.Snapshot;
import org.blksnap.api.snapshot.StorageStatus;

/** What a snapshot suffers from, or soon will. */
final class SnapshotCheck {
  /** A storage that grows by itself is low when this many tenths of its limit are filled. */
  static final int LOW_TENTHS = 9;

  /** What is proposed at least to be added: 1 GiB. */
  private static final long MORE_BYTES = 1L << 30;

  private SnapshotCheck() {}

  /**
   * A storage that is lost as a whole is told by its images; it has not been filled.
   *
   * @throws BlksnapException ESRCH where it was destroyed meanwhile
   */
  static List<Finding> findings(Snapshot snapshot) throws BlksnapException {
    List<Finding> findings = new ArrayList<>();
    String subject = "snapshot " + snapshot.id();
    String again =
        "the live device is unharmed; destroy it with blksnap:snapshot-destroy "
            + snapshot.id()
            + ", mend the cause and take a new one";
    String withMore =
        "the live device is unharmed; destroy it with blksnap:snapshot-destroy "
            + snapshot.id()
            + " and take a new one with more storage";
    for (ImageInfo image : snapshot.info()) {
      if (image.error() != Errno.OK) {
        findings.add(
            new Finding(
                Severity.ERROR,
                subject,
                "corrupted: image of " + image.device() + ": " + reason(image),
                image.error() == Errno.ENOSPC ? withMore : again));
      }
    }
    StorageStatus storage = snapshot.storage();
    boolean lost = storage.overflown() && storage.capacityBytes() == 0 && !findings.isEmpty();
    if (lost) {
      return findings;
    }
    String more =
        "blksnap:snapshot-append-storage "
            + snapshot.id()
            + " --limit "
            + Math.max(storage.requestedBytes() - storage.capacityBytes(), MORE_BYTES)
                / ByteRange.SECTOR
            + "s";
    if (storage.overflown() && findings.isEmpty()) {
      findings.add(
          new Finding(
              Severity.ERROR,
              subject,
              "its storage of "
                  + Findings.size(storage.capacityBytes())
                  + " is full; its image lives as long as buffers in memory last",
              "give more at once, for instance with " + more));
    } else if (storage.overflown()) {
      findings.add(
          new Finding(
              Severity.ERROR,
              subject,
              "overflown: its storage of " + Findings.size(storage.capacityBytes()) + " is full",
              withMore));
    } else if (isLow(storage)) {
      findings.add(
          new Finding(
              snapshot.taken().isEmpty() ? Severity.NOTE : Severity.WARNING,
              subject,
              "low on space: "
                  + Findings.size(storage.filledBytes())
                  + " filled of "
                  + Findings.size(Math.max(storage.capacityBytes(), storage.limitBytes()))
                  + ", it asks for "
                  + Findings.size(storage.requestedBytes())
                  + " in all",
              "give more, for instance with " + more));
    }
    if (snapshot.orphaned()) {
      findings.add(
          new Finding(
              Severity.WARNING,
              subject,
              "orphan: its owner "
                  + snapshot.owner()
                  + " is not running; it holds its devices and "
                  + Findings.size(storage.capacityBytes())
                  + " of storage",
              "start that bundle, or free it with blksnap:snapshot-destroy " + snapshot.id()));
    }
    if (findings.isEmpty()) {
      findings.add(
          new Finding(
              Severity.OK,
              subject,
              snapshot.state().name().toLowerCase(Locale.ROOT)
                  + ", "
                  + Findings.size(storage.filledBytes())
                  + " saved",
              ""));
    }
    return findings;
  }

  /** What was kept of the first failure; most of it ends with the errno already. */
  private static String reason(ImageInfo image) {
    String text = image.detail().isEmpty() ? image.error().text() : image.detail();
    String symbol = " [" + image.error() + "]";
    return text.endsWith(symbol) ? text : text + symbol;
  }

  private static boolean isLow(StorageStatus storage) {
    return storage.limitBytes() > 0
        ? storage.filledBytes() >= storage.limitBytes() / 10 * LOW_TENTHS
        : storage.requestedBytes() > storage.capacityBytes();
  }
}

// SPDX-License-Identifier: Apache-2.0
package org.blksnap.kernel.internal.storage;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.ByteRange;
import org.blksnap.api.block.Errno;
import org.blksnap.kernel.internal.device.OtherUses;
import org.blksnap.kernel.internal.host.Disk;
import org.blksnap.kernel.internal.host.Disks;
import org.blksnap.kernel.internal.record.StoragePart;
import org.blksnap.linux.file.FileIdentity;

/**
 * What the storage of all snapshots of one engine is made of, and which devices are being attached:
 * nothing is two of these at once. A file is claimed before it is touched, a range before the
 * kernel gets it, each until it was given back.
 *
 * <p>Monitor: the lists; held for memory, stat(2) and /sys alone.
 */
public final class Claims implements OtherUses {
  /** Something claimed. */
  static final class Claim {
    private final UUID snapshot;

    /** Null: not a file, or one whose inode is not known any more. */
    private final FileIdentity file;

    private final boolean lentFile;

    /** Number of the device; null where it is not known yet where the file lies. */
    private String device;

    private List<ByteRange> ranges;

    private Claim(
        UUID snapshot, FileIdentity file, boolean lentFile, String device, List<ByteRange> ranges) {
      this.snapshot = snapshot;
      this.file = file;
      this.lentFile = lentFile;
      this.device = device;
      this.ranges = ranges;
    }
  }

  private final Disks disks;

  @GuardedBy("this")
  private final List<Claim> claims = new ArrayList<>();

  @GuardedBy("this")
  private final List<String> attaching = new ArrayList<>();

  public Claims(Disks disks) {
    this.disks = disks;
  }

  /** EINVAL: it is storage already, by whichever name. */
  synchronized Claim file(UUID snapshot, Path file) throws IOException {
    FileIdentity identity = FileIdentity.of(file);
    for (Claim other : claims) {
      if (identity.equals(other.file)) {
        throw new BlksnapException(
            Errno.EINVAL,
            "storage file "
                + file
                + " refused: it was given before, to snapshot "
                + other.snapshot
                + "; a file is given once, with all its ranges: give another file");
      }
    }
    return claimed(new Claim(snapshot, identity, true, null, List.of()));
  }

  /** Where a file lies. EINVAL: some of that is storage already. */
  synchronized void lies(Claim claim, StoragePart part) throws BlksnapException {
    refuseGiven(claim, part.given(), part.device(), part.ranges());
    claim.device = part.device();
    claim.ranges = part.ranges();
  }

  /** EINVAL: some of it is storage already. EBUSY: it is being attached. */
  synchronized Claim device(UUID snapshot, Path given, Disk disk, List<ByteRange> ranges)
      throws BlksnapException {
    if (attaching.stream().anyMatch(number -> disks.overlap(number, disk.number()))) {
      throw new BlksnapException(
          Errno.EBUSY,
          "storage "
              + given
              + " refused: it, or the disk it is on, is just being attached; give another device");
    }
    Claim claim = new Claim(snapshot, null, false, disk.number(), ranges);
    refuseGiven(claim, given, disk.number(), ranges);
    return claimed(claim);
  }

  /** What a record tells of: the kernel may have it, so nothing is refused. */
  synchronized Claim remembered(UUID snapshot, StoragePart part) {
    FileIdentity file = part.lentFile() ? FileIdentity.find(part.given()).orElse(null) : null;
    return claimed(new Claim(snapshot, file, part.lentFile(), part.device(), part.ranges()));
  }

  @GuardedBy("this")
  private Claim claimed(Claim claim) {
    claims.add(claim);
    return claim;
  }

  @GuardedBy("this")
  private void refuseGiven(Claim mine, Path given, String device, List<ByteRange> ranges)
      throws BlksnapException {
    for (Claim other : claims) {
      if (other == mine || other.device == null || !disks.overlap(other.device, device)) {
        continue;
      }
      for (ByteRange range : ranges) {
        if (!other.device.equals(device) || other.ranges.stream().anyMatch(range::overlaps)) {
          throw new BlksnapException(
              Errno.EINVAL,
              "storage range "
                  + range
                  + " of "
                  + given
                  + " refused: some of it was given before, to snapshot "
                  + other.snapshot
                  + ", or the disk and a partition of it would both be storage; give another"
                  + " range or device");
        }
      }
    }
  }

  /** It was given back. */
  synchronized void release(Claim claim) {
    claims.remove(claim);
  }

  @Override
  public synchronized Optional<UUID> storageOn(Disk disk) {
    return claims.stream()
        .filter(claim -> !claim.lentFile && disks.overlap(claim.device, disk.number()))
        .map(claim -> claim.snapshot)
        .findFirst();
  }

  @Override
  public synchronized Attaching attaching(Disk disk) {
    attaching.add(disk.number());
    return () -> attached(disk);
  }

  private synchronized void attached(Disk disk) {
    attaching.remove(disk.number());
  }
}

// SPDX-License-Identifier: Apache-2.0
package org.blksnap.kernel.internal.storage;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.function.Supplier;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.ByteRange;
import org.blksnap.api.block.Errno;
import org.blksnap.kernel.internal.host.Disk;
import org.blksnap.kernel.internal.host.Disks;
import org.blksnap.kernel.internal.record.StoragePart;
import org.blksnap.spi.host.FileClaim;
import org.blksnap.spi.host.FileClaim.Conflict;
import org.blksnap.spi.host.FileUsers;
import org.blksnap.spi.host.HostFile;
import org.blksnap.spi.host.HostOperations;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Files whose blocks are lent to the kernel: it writes to the disk beneath, past the file system,
 * so nobody may move, cut or free these blocks meanwhile. Therefore file systems that move blocks
 * are refused, and a lent file is immutable from before its blocks are told until it is given back.
 *
 * <pre>
 * claimed → allocated, on disk → immutable → blocks looked up → (the kernel has them) → given back
 *    └── nobody else uses it ──────┴─ nor had it open          └── held open, so it stays mounted
 * </pre>
 *
 * <p>Its state is in {@link Claims} and {@link HeldDisks}. A file of ours bears the snapshot's id
 * in its name, so one that a kill left behind is found by that.
 */
public final class Lending {
  /** Most pieces of one file. */
  static final int MOST_EXTENTS = 8192;

  /** They leave an allocated block where it is. */
  private static final Set<String> STEADY = Set.of("ext2", "ext3", "ext4", "xfs");

  private static final Path PROC = Path.of("/proc");
  private static final String REMEDY = "it would be overwritten: give a file nobody else uses";
  private static final Logger LOG = LoggerFactory.getLogger(Lending.class);

  private final Disks disks;
  private final Claims claims;
  private final HeldDisks heldDisks;
  private final Returning returning;

  /** {@code host} answers null while the bundle is away. */
  public Lending(Supplier<HostOperations> host, Disks disks, Claims claims) {
    this.disks = disks;
    this.claims = claims;
    this.heldDisks = new HeldDisks(host);
    this.returning = new Returning(host, disks);
  }

  /** The disk beneath a directory or file whose blocks may be lent, or why they may not. */
  public Disk beneath(Path place) throws BlksnapException {
    Disks.Ground ground = disks.ground(place);
    String why = null;
    if (!STEADY.contains(ground.type())) {
      why = "moves its blocks, or has none on a disk of this host";
    } else if (ground.options().contains("rtdev=")) {
      why = "has a realtime device, and which of the two a block lies on is not told";
    } else if (ground.disk().isEmpty()) {
      why = "stands on no block device of its own";
    }
    if (why != null) {
      throw new BlksnapException(
          Errno.EOPNOTSUPP,
          "storage "
              + place
              + " refused: the file system there ("
              + ground.type()
              + ", mounted on "
              + ground.point()
              + ") "
              + why
              + "; give a directory on ext4 or xfs, or a block device");
    }
    return ground.disk().get();
  }

  /** A new file of ours, of that many bytes; nothing is left where it fails. ENOSPC. */
  Lent make(Path directory, UUID snapshot, int number, long bytes) throws BlksnapException {
    Path file = directory.resolve(Returning.prefix(snapshot) + number);
    boolean done = false;
    try {
      Files.createFile(
          file, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
      Lent lent = lend(snapshot, file, List.of(new ByteRange(0, bytes)), true);
      done = true;
      return lent;
    } catch (FileAlreadyExistsException e) {
      done = true;
      throw new BlksnapException(
          Errno.EEXIST, "storage file " + file + " was not made: there is one of that name", e);
    } catch (BlksnapException e) {
      throw e;
    } catch (IOException e) {
      throw new BlksnapException(
          BlksnapException.errnoOf(e), "storage file " + file + " was not made: " + e, e);
    } finally {
      if (!done) {
        returning.removeQuietly(file);
      }
    }
  }

  /** A person's file; ranges of bytes that are in it. EBUSY: somebody uses it. */
  Lent lend(UUID snapshot, Path file, List<ByteRange> ranges) throws BlksnapException {
    try {
      Path real = file.toRealPath();
      refuseUsed(real);
      return lend(snapshot, real, ranges, false);
    } catch (BlksnapException e) {
      throw e;
    } catch (IOException e) {
      throw new BlksnapException(
          BlksnapException.errnoOf(e), "storage " + file + " was not given: " + e, e);
    }
  }

  private Lent lend(UUID snapshot, Path file, List<ByteRange> ranges, boolean ours)
      throws IOException {
    Disk disk = beneath(file);
    Claims.Claim claim = claims.file(snapshot, file);
    HostFile open = null;
    boolean done = false;
    try {
      open = opened(file);
      lock(open, file, true);
      for (ByteRange range : ranges) {
        open.allocate(range.offset(), range.length());
      }
      force(file);
      open.setImmutable(true);
      StoragePart part = fixed(open, file, disk, ranges, ours);
      claims.lies(claim, part);
      Lent lent = new Lent(part, claim);
      lent.hold(open, open::close);
      done = true;
      return lent;
    } finally {
      if (!done) {
        if (open != null) {
          Returning.changeable(open, file);
          open.close();
        }
        claims.release(claim);
      }
    }
  }

  private HostFile opened(Path file) throws BlksnapException {
    try {
      return returning.host().open(file, true, false);
    } catch (BlksnapException e) {
      if (e.errno() != Errno.EPERM) {
        throw e;
      }
      throw new BlksnapException(
          Errno.EPERM,
          "storage file "
              + file
              + " refused: it is immutable or append-only (lsattr shows it), as one is that was lent"
              + " before; give another file, or make it an ordinary one with chattr -i -a",
          e);
    }
  }

  /** What the file system knows of the file is on disk: a crash gives its blocks to nobody else. */
  private static void force(Path file) throws IOException {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      channel.force(true);
    }
  }

  /** It is immutable: who opened it for writing before is looked for once more. */
  private StoragePart fixed(
      HostFile open, Path file, Disk disk, List<ByteRange> ranges, boolean ours)
      throws BlksnapException {
    if (!ours) {
      refuseUsed(file);
    }
    List<ByteRange> blocks = new ArrayList<>();
    for (ByteRange range : ranges) {
      blocks.addAll(open.extents(range.offset(), range.length()));
    }
    if (blocks.size() > MOST_EXTENTS) {
      throw new BlksnapException(
          Errno.ENOSPC,
          "storage file "
              + file
              + " refused: it lies in "
              + blocks.size()
              + " pieces, allowed are "
              + MOST_EXTENTS
              + "; the free space there is too scattered");
    }
    return new StoragePart(file, disk.number(), blocks, ours, true);
  }

  /** EBUSY. */
  private static void refuseUsed(Path file) throws BlksnapException {
    FileUsers users = FileUsers.of(PROC, file);
    if (users.inTheWay(true).isPresent()) {
      throw FileClaim.busy(file + " as difference storage", users, REMEDY);
    }
  }

  /** EBUSY. */
  private static void lock(HostFile open, Path file, boolean writable) throws BlksnapException {
    Conflict found = FileClaim.take(open, FileClaim.Use.STORAGE, writable, false);
    if (found == Conflict.UNSUPPORTED) {
      LOG.warn("{}: its file system has no locks: see to it that nobody else writes to it", file);
    } else if (found != Conflict.NONE) {
      throw FileClaim.busy(file + " as difference storage", FileUsers.of(PROC, file), REMEDY);
    }
  }

  /** Ranges of a block device, claimed and not held. */
  Lent device(UUID snapshot, Path given, Disk disk, List<ByteRange> ranges)
      throws BlksnapException {
    StoragePart part = new StoragePart(given, disk.number(), ranges, false, false);
    return new Lent(part, claims.device(snapshot, given, disk, ranges));
  }

  boolean holds(Disk disk) {
    return heldDisks.has(disk.number());
  }

  /** Nobody else mounts or formats it from here on. EBUSY. */
  void hold(Lent device) throws BlksnapException {
    device.hold(null, heldDisks.hold(device.part.given(), device.part.device()));
  }

  /** What a record tells of: claimed, and not held. */
  Lent remembered(UUID snapshot, StoragePart part) {
    return new Lent(part, claims.remembered(snapshot, part));
  }

  /** The file of a predecessor, which the kernel goes on storing in. */
  void holdFile(Lent lent) throws BlksnapException {
    Path file = lent.part.given();
    Disk now = beneath(file);
    if (!now.number().equals(lent.part.device())) {
      throw new BlksnapException(
          Errno.ENODEV,
          file
              + " lies on "
              + now.number()
              + ", and the kernel stores on "
              + lent.part.device()
              + ": another file system is mounted there now");
    }
    HostFile open = returning.host().open(file, false, false);
    boolean done = false;
    try {
      open.setImmutable(true);
      lock(open, file, false);
      lent.hold(open, open::close);
      done = true;
    } finally {
      if (!done) {
        open.close();
      }
    }
  }

  /** The kernel has let go of it, or never had it. Where this fails it stays as it was. */
  void giveBack(Lent lent) throws BlksnapException {
    StoragePart part = lent.part;
    if (part.lentFile()) {
      returning.loosen(lent);
      if (part.lent()) {
        Returning.delete(part.given());
      }
    }
    lent.close();
    claims.release(lent.claim);
  }

  /** What a kill left of a snapshot that is no more. */
  void removeLeftOvers(Path directory, UUID snapshot) throws BlksnapException {
    returning.removeLeftOvers(directory, snapshot);
  }
}

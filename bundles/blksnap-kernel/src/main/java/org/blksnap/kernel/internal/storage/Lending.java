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
import java.util.stream.Stream;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.ByteRange;
import org.blksnap.api.block.Errno;
import org.blksnap.kernel.internal.host.Disk;
import org.blksnap.kernel.internal.host.Disks;
import org.blksnap.kernel.internal.record.StoragePart;
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
 * made → allocated, on disk → immutable → blocks looked up → (the kernel has them) → given back
 * </pre>
 *
 * <p>No state. A file of ours bears the snapshot's id in its name, so one that a kill left behind
 * is found by that.
 */
public final class Lending {
  /** Most pieces of one file. */
  static final int MOST_EXTENTS = 8192;

  /** They leave an allocated block where it is. */
  private static final Set<String> STEADY = Set.of("ext2", "ext3", "ext4", "xfs");

  private static final Logger LOG = LoggerFactory.getLogger(Lending.class);

  private final Supplier<HostOperations> host;
  private final Disks disks;

  /** {@code host} answers null while the bundle is away. */
  public Lending(Supplier<HostOperations> host, Disks disks) {
    this.host = host;
    this.disks = disks;
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

  private HostOperations host() throws BlksnapException {
    HostOperations now = host.get();
    if (now == null) {
      throw new BlksnapException(
          Errno.ENOSYS,
          "difference storage in files needs native access; start the bundle: bundle:start"
              + " org.blksnap.ioctl");
    }
    return now;
  }

  static String prefix(UUID snapshot) {
    return "blksnap-" + snapshot + "-";
  }

  /** A new file of ours, of that many bytes; nothing is left where it fails. ENOSPC. */
  StoragePart make(Path directory, UUID snapshot, int number, long bytes) throws BlksnapException {
    Path file = directory.resolve(prefix(snapshot) + number);
    boolean done = false;
    try {
      Files.createFile(
          file, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
      StoragePart part = lend(file, List.of(new ByteRange(0, bytes)), true);
      done = true;
      return part;
    } catch (FileAlreadyExistsException e) {
      done = true;
      throw new BlksnapException(Errno.EEXIST, "storage file " + file + " is there already", e);
    } catch (BlksnapException e) {
      throw e;
    } catch (IOException e) {
      throw new BlksnapException(
          BlksnapException.errnoOf(e), "storage file " + file + " was not made: " + e, e);
    } finally {
      if (!done) {
        remove(file);
      }
    }
  }

  /** A person's file; ranges of bytes that are in it. */
  StoragePart lend(Path file, List<ByteRange> ranges) throws BlksnapException {
    try {
      return lend(file.toRealPath(), ranges, false);
    } catch (BlksnapException e) {
      throw e;
    } catch (IOException e) {
      throw new BlksnapException(
          BlksnapException.errnoOf(e), "storage " + file + " was not given: " + e, e);
    }
  }

  private StoragePart lend(Path file, List<ByteRange> ranges, boolean ours) throws IOException {
    Disk disk = beneath(file);
    try (HostFile open = host().open(file, true, false)) {
      for (ByteRange range : ranges) {
        open.allocate(range.offset(), range.length());
      }
      force(file);
      open.setImmutable(true);
      boolean done = false;
      try {
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
        done = true;
        return new StoragePart(file, disk.number(), blocks, ours, true);
      } finally {
        if (!done) {
          open.setImmutable(false);
        }
      }
    }
  }

  /** What the file system knows of the file is on disk: a crash gives its blocks to nobody else. */
  private static void force(Path file) throws IOException {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      channel.force(true);
    }
  }

  /** The kernel has let go of it. */
  void giveBack(StoragePart part) {
    if (!part.lentFile()) {
      return;
    }
    if (part.lent()) {
      remove(part.given());
    } else {
      loosen(part.given());
    }
  }

  /** What a kill left of a snapshot that is no more. */
  void removeLeftOvers(Path directory, UUID snapshot) {
    try (Stream<Path> entries = Files.list(directory)) {
      entries
          .filter(file -> file.getFileName().toString().startsWith(prefix(snapshot)))
          .toList()
          .forEach(this::remove);
    } catch (IOException e) {
      LOG.warn("{} was not looked through for storage left behind: {}", directory, e.toString());
    }
  }

  private void loosen(Path file) {
    try (HostFile open = host().open(file, false, false)) {
      open.setImmutable(false);
    } catch (BlksnapException e) {
      if (e.errno() != Errno.ENOENT) {
        LOG.warn("{} stays immutable: {}; chattr -i makes it an ordinary file", file, e.toString());
      }
    }
  }

  private void remove(Path file) {
    loosen(file);
    try {
      Files.deleteIfExists(file);
    } catch (IOException e) {
      LOG.warn("storage file {} was not removed: {}", file, e.toString());
    }
  }
}

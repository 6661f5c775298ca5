// SPDX-License-Identifier: Apache-2.0
package org.blksnap.diffstorage.internal;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Supplier;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.spi.host.FileClaim;
import org.blksnap.spi.host.FileClaim.Conflict;
import org.blksnap.spi.host.FileUsers;
import org.blksnap.spi.host.HostFile;
import org.blksnap.spi.host.HostOperations;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Opens what a pool is made of, and locks it as attached files are locked, so that no other engine
 * uses or attaches it. A block device is claimed exclusively where the host can; one that is held
 * already is still taken as long as it is neither mounted nor swap, for it may be the very device
 * that is snapshotted, and then it is this process that holds it.
 */
final class BackingFiles {
  private static final Logger LOG = LoggerFactory.getLogger(BackingFiles.class);
  private static final Path PROC = Path.of("/proc");
  private static final String REMEDY = "it would be overwritten: give a file nobody else uses";

  private final Supplier<HostOperations> host;
  private final MountTable mounts;

  /** {@code host} may answer null. */
  BackingFiles(Supplier<HostOperations> host, MountTable mounts) {
    this.host = host;
    this.mounts = mounts;
  }

  /** EBUSY where somebody else uses it, another engine for its devices or storage included. */
  OpenFile open(Path path, FileKey key) throws BlksnapException {
    if (key.block()) {
      refuseUsed(path, key);
    }
    FileUsers users = FileUsers.of(PROC, path);
    if (users.inTheWay(true).isPresent()) {
      throw FileClaim.busy(named(path), users, REMEDY);
    }
    return openClaimed(path, key.block());
  }

  /** A file the pool made a moment ago: nobody else can have it open, so nobody is looked for. */
  OpenFile openMade(Path path) throws BlksnapException {
    return openClaimed(path, false);
  }

  private OpenFile openClaimed(Path path, boolean block) throws BlksnapException {
    StorageClaim claim = claim(path, block);
    try {
      return new OpenFile(path, claim);
    } catch (BlksnapException e) {
      claim.close();
      throw e;
    }
  }

  private static String named(Path path) {
    return path + " as difference storage";
  }

  private void refuseUsed(Path path, FileKey key) throws BlksnapException {
    Optional<String> user;
    try {
      user = mounts.userOf(path, key);
    } catch (IOException e) {
      throw Failures.of(e, path, "asking who uses it");
    }
    if (user.isPresent()) {
      throw new BlksnapException(
          Errno.EBUSY,
          path
              + " refused as difference storage: it is "
              + user.get()
              + " and would be overwritten; give a device nobody uses, or a file");
    }
  }

  private StorageClaim claim(Path path, boolean block) throws BlksnapException {
    HostFile file = descriptor(path, block);
    try {
      if (file != null) {
        lock(file, path, block);
      }
      return new StorageClaim(path, file);
    } catch (BlksnapException e) {
      if (file != null) {
        file.close();
      }
      throw e;
    }
  }

  private HostFile descriptor(Path path, boolean block) throws BlksnapException {
    HostOperations present = host.get();
    if (present == null) {
      return null;
    }
    try {
      return present.open(path, true, block);
    } catch (BlksnapException e) {
      if (block && e.errno() == Errno.EBUSY) {
        return null;
      }
      throw e;
    }
  }

  /**
   * What this process alone holds is the file of a device that is snapshotted, of which ranges are
   * given; the conductor has looked at that.
   */
  private static void lock(HostFile file, Path path, boolean block) throws BlksnapException {
    Conflict found = FileClaim.take(file, FileClaim.Use.STORAGE, true, block);
    if (found == Conflict.UNSUPPORTED) {
      LOG.warn("{}: its file system has no locks: see to it that nobody else writes to it", path);
    } else if (found != Conflict.NONE) {
      FileUsers users = FileUsers.of(PROC, path);
      if (!users.lockedHereAlone()) {
        throw FileClaim.busy(named(path), users, REMEDY);
      }
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
package org.blksnap.diffstorage.internal;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Supplier;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.linux.file.EnduringFile;
import org.blksnap.linux.file.FileIdentity;
import org.blksnap.linux.file.HeldFile;
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

  private static final String ELSEWHERE = ", and what was stored is lost; destroy the snapshot";

  private final Supplier<HostOperations> host;
  private final BlockUse uses;

  /** {@code host} may answer null. */
  BackingFiles(Supplier<HostOperations> host, BlockUse uses) {
    this.host = host;
    this.uses = uses;
  }

  /** EBUSY where somebody else uses it, another engine for its devices or storage included. */
  BackingFile open(Path path, FileIdentity identity) throws BlksnapException {
    if (identity.block()) {
      refuseUsed(path, identity);
    }
    FileUsers users = FileUsers.of(PROC, path);
    if (users.inTheWay(true).isPresent()) {
      throw FileClaim.busy(named(path), users, REMEDY);
    }
    return openClaimed(path, identity);
  }

  /** A file the pool made a moment ago: nobody else can have it open, so nobody is looked for. */
  BackingFile openMade(Path path, FileIdentity identity) throws BlksnapException {
    return openClaimed(path, identity);
  }

  private BackingFile openClaimed(Path path, FileIdentity identity) throws BlksnapException {
    HeldFile held = claim(path, identity);
    try {
      return new BackingFile(
          new EnduringFile(path, () -> held.openChannel(true), EnduringFile.End.BYTE, Errno.ESTALE),
          held);
    } catch (IOException e) {
      held.close();
      throw Failures.of(e, path, "opening it for reading and writing");
    }
  }

  private static String named(Path path) {
    return path + " as difference storage";
  }

  private void refuseUsed(Path path, FileIdentity identity) throws BlksnapException {
    Optional<String> user;
    try {
      user = uses.of(path, identity);
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

  private HeldFile claim(Path path, FileIdentity identity) throws BlksnapException {
    HostFile file = descriptor(path, identity.block());
    HeldFile held;
    try {
      held = new HeldFile(path, identity, file, ELSEWHERE);
    } catch (IOException e) {
      throw Failures.of(e, path, "looking at it");
    }
    try {
      if (file != null) {
        lock(file, path, identity.block());
      }
      return held;
    } catch (BlksnapException e) {
      held.close();
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

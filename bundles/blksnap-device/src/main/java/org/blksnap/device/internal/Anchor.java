// SPDX-License-Identifier: Apache-2.0
package org.blksnap.device.internal;

import java.io.IOException;
import java.nio.file.Path;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.spi.host.FileClaim;
import org.blksnap.spi.host.FileClaim.Conflict;
import org.blksnap.spi.host.FileUsers;
import org.blksnap.spi.host.HostFile;
import org.blksnap.spi.host.HostOperations;

/**
 * What holds an attached file or block device from its attachment to its end: one descriptor of its
 * own, with the locks others see, and the name by which the very same file is opened again.
 *
 * <p>The descriptor is the system's and belongs to no channel, so neither an interrupt nor the swap
 * of the bundle that opened it drops a lock. Without a host there is none: then others see no lock
 * but the one of {@link RegularFile}, and what is opened again is opened by path and compared.
 */
final class Anchor implements AutoCloseable {
  /** How others are told. */
  enum Lock {
    /** All locks are held. */
    HELD,
    /** Forced beside somebody else's. */
    CONTESTED,
    /** The file system has none. */
    UNSUPPORTED,
    /** No host. */
    NO_HOST
  }

  private final Path path;
  private final FileStat stat;
  private final HostFile file;
  private final Lock lock;

  private Anchor(Path path, FileStat stat, HostFile file, Lock lock) {
    this.path = path;
    this.stat = stat;
    this.file = file;
    this.lock = lock;
  }

  /** EBUSY where somebody else uses it; {@code host} may be null. */
  static Anchor take(
      Path path, FileStat stat, boolean writable, boolean force, HostOperations host, Path proc)
      throws IOException {
    if (host == null) {
      return new Anchor(path, stat, null, Lock.NO_HOST);
    }
    HostFile file = openFirst(path, writable, host);
    try {
      requireSame(file.descriptor(), path, stat);
      return new Anchor(path, stat, file, lock(file, path, stat, writable, force, proc));
    } catch (IOException | RuntimeException refused) {
      file.close();
      throw refused;
    }
  }

  private static HostFile openFirst(Path path, boolean writable, HostOperations host)
      throws BlksnapException {
    try {
      return host.open(path, writable, false);
    } catch (BlksnapException refused) {
      throw IoFailure.openingAtHost(path, refused);
    }
  }

  private static Lock lock(
      HostFile file, Path path, FileStat stat, boolean writable, boolean force, Path proc)
      throws BlksnapException {
    Conflict found = FileClaim.take(file, FileClaim.Use.DEVICE, writable, stat.block());
    if (found == Conflict.NONE) {
      return Lock.HELD;
    }
    if (found == Conflict.UNSUPPORTED) {
      return Lock.UNSUPPORTED;
    }
    FileUsers users = FileUsers.of(proc, path);
    if (found == Conflict.ENGINE && !(force && stat.block())) {
      throw FileClaim.busy(
          path.toString(), users, "an engine has it attached: detach it there first");
    }
    if (!force && !users.lockedHereAlone()) {
      throw FileClaim.busy(path.toString(), users, Occupancy.REMEDY);
    }
    return force ? Lock.CONTESTED : Lock.HELD;
  }

  Lock lock() {
    return lock;
  }

  /** A name that leads to the file as it was attached; ESTALE where there is none any more. */
  Path current() throws IOException {
    Path current = file == null ? path : file.descriptor();
    requireSame(current, path, stat);
    return current;
  }

  /** Opens it at the host once more, never another file in its place. */
  HostFile open(HostOperations host, boolean writable, boolean exclusive) throws IOException {
    HostFile opened = host.open(exclusive ? path : current(), writable, exclusive);
    try {
      requireSame(opened.descriptor(), path, stat);
      return opened;
    } catch (IOException | RuntimeException refused) {
      opened.close();
      throw refused;
    }
  }

  /** Where the path leads now, in words; empty where it still leads here. */
  String strayed() {
    return FileStat.find(path)
        .map(now -> now.same(stat) ? "" : "another file has taken its place")
        .orElse("nothing is there any more");
  }

  private static void requireSame(Path seen, Path path, FileStat stat) throws IOException {
    if (!FileStat.of(seen).same(stat)) {
      throw new BlksnapException(
          Errno.ESTALE, path + " is another file now; detach it and attach it again");
    }
  }

  @Override
  public String toString() {
    return path.toString();
  }

  @Override
  public void close() {
    if (file != null) {
      file.close();
    }
  }
}

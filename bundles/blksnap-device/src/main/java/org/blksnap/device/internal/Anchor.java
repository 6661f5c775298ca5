// SPDX-License-Identifier: Apache-2.0
package org.blksnap.device.internal;

import java.io.IOException;
import java.nio.file.Path;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.linux.file.FileIdentity;
import org.blksnap.linux.file.HeldFile;
import org.blksnap.spi.host.FileClaim;
import org.blksnap.spi.host.FileClaim.Conflict;
import org.blksnap.spi.host.FileUsers;
import org.blksnap.spi.host.HostFile;
import org.blksnap.spi.host.HostOperations;

/**
 * What holds an attached file or block device from its attachment to its end: a {@link HeldFile}
 * with the locks others see. Without a host there is no descriptor: then others see no lock but the
 * one of {@link RegularFile}.
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

  private static final String ELSEWHERE = "; detach it and attach it again";

  private final HeldFile held;
  private final Lock lock;

  private Anchor(HeldFile held, Lock lock) {
    this.held = held;
    this.lock = lock;
  }

  /** EBUSY where somebody else uses it; {@code host} may be null. */
  static Anchor take(
      Path path,
      FileIdentity identity,
      boolean writable,
      boolean force,
      HostOperations host,
      Path proc)
      throws IOException {
    if (host == null) {
      return new Anchor(new HeldFile(path, identity, null, ELSEWHERE), Lock.NO_HOST);
    }
    HeldFile held = new HeldFile(path, identity, openFirst(path, writable, host), ELSEWHERE);
    try {
      return new Anchor(held, lock(held.file(), path, identity.block(), writable, force, proc));
    } catch (IOException | RuntimeException refused) {
      held.close();
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
      HostFile file, Path path, boolean block, boolean writable, boolean force, Path proc)
      throws BlksnapException {
    Conflict found = FileClaim.take(file, FileClaim.Use.DEVICE, writable, block);
    if (found == Conflict.NONE) {
      return Lock.HELD;
    }
    if (found == Conflict.UNSUPPORTED) {
      return Lock.UNSUPPORTED;
    }
    FileUsers users = FileUsers.of(proc, path);
    if (found == Conflict.ENGINE && !(force && block)) {
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

  /** The file itself, however it is called by now. */
  HeldFile held() {
    return held;
  }

  @Override
  public void close() {
    held.close();
  }
}

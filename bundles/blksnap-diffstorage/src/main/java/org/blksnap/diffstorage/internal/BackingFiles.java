// SPDX-License-Identifier: Apache-2.0
package org.blksnap.diffstorage.internal;

import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Supplier;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.spi.host.HostOperations;

/**
 * Opens what a pool is made of. A block device is claimed exclusively where the host can; one that
 * is held already is still taken as long as it is neither mounted nor swap, for it may be the very
 * device that is snapshotted, and then it is this process that holds it.
 */
final class BackingFiles {
  private static final Closeable NO_CLAIM = () -> {};

  private final Supplier<HostOperations> host;
  private final MountTable mounts;

  /** {@code host} may answer null. */
  BackingFiles(Supplier<HostOperations> host, MountTable mounts) {
    this.host = host;
    this.mounts = mounts;
  }

  OpenFile open(Path path, FileKey key) throws BlksnapException {
    if (!key.block()) {
      return new OpenFile(path, NO_CLAIM);
    }
    refuseUsed(path, key);
    Closeable claim = claim(path);
    try {
      return new OpenFile(path, claim);
    } catch (BlksnapException e) {
      closeQuietly(claim, e);
      throw e;
    }
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

  private Closeable claim(Path path) throws BlksnapException {
    HostOperations present = host.get();
    if (present == null) {
      return NO_CLAIM;
    }
    try {
      return present.open(path, true, true);
    } catch (BlksnapException e) {
      if (e.errno() == Errno.EBUSY) {
        return NO_CLAIM;
      }
      throw e;
    }
  }

  private static void closeQuietly(Closeable claim, Exception first) {
    try {
      claim.close();
    } catch (IOException e) {
      first.addSuppressed(e);
    }
  }
}

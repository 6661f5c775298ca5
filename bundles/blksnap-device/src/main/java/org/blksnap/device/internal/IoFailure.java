// SPDX-License-Identifier: Apache-2.0
package org.blksnap.device.internal;

import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Path;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;

/** Says what failed on which path, with the errno {@link BlksnapException#errnoOf} finds. */
final class IoFailure {
  private IoFailure() {}

  static BlksnapException opening(Path path, IOException failure) {
    if (failure instanceof BlksnapException known) {
      return known;
    }
    Errno errno = BlksnapException.errnoOf(failure);
    String remedy = remedy(errno);
    String reason =
        failure instanceof FileSystemException named && named.getReason() != null
            ? named.getReason()
            : String.valueOf(failure.getMessage());
    return new BlksnapException(
        errno, path + (remedy.isEmpty() ? " cannot be opened: " + reason : remedy), failure);
  }

  /**
   * As {@link #opening}, of a failure at the host: with what to do about a file that cannot be
   * written.
   */
  static BlksnapException openingAtHost(Path path, BlksnapException failure) {
    String remedy = remedy(failure.errno());
    return remedy.isEmpty()
        ? failure
        : new BlksnapException(failure.errno(), path + remedy, failure);
  }

  private static String remedy(Errno errno) {
    return switch (errno) {
      case ENOENT -> " not found; name an existing file or block device";
      case EACCES -> " may not be opened by this user; give it the rights or run as root";
      case EROFS -> " is on a read-only file system; attach it read-only, or remount it";
      case EPERM ->
          " may not be written by anybody: it is immutable or append-only (lsattr); attach it"
              + " read-only, or chattr -i -a";
      default -> "";
    };
  }
}

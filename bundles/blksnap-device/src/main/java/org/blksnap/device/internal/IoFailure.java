// SPDX-License-Identifier: Apache-2.0
package org.blksnap.device.internal;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
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
    if (failure instanceof NoSuchFileException) {
      return new BlksnapException(
          Errno.ENOENT, path + " not found; name an existing file or block device", failure);
    }
    if (failure instanceof AccessDeniedException) {
      return new BlksnapException(
          Errno.EACCES,
          path + " may not be opened by this user; give it the rights or run as root",
          failure);
    }
    String reason =
        failure instanceof FileSystemException named && named.getReason() != null
            ? named.getReason()
            : String.valueOf(failure.getMessage());
    BlksnapException told =
        openingAtHost(path, new BlksnapException(BlksnapException.errnoOf(failure), "", failure));
    if (!told.getMessage().isEmpty()) {
      return told;
    }
    return new BlksnapException(
        BlksnapException.errnoOf(failure), path + " cannot be opened: " + reason, failure);
  }

  /**
   * As {@link #opening}, of a failure at the host: with what to do about a file that cannot be
   * written.
   */
  static BlksnapException openingAtHost(Path path, BlksnapException failure) {
    String remedy =
        switch (failure.errno()) {
          case EROFS -> " is on a read-only file system; attach it read-only, or remount it";
          case EPERM ->
              " may not be written by anybody: it is immutable or append-only (lsattr); attach it"
                  + " read-only, or chattr -i -a";
          case EACCES -> " may not be opened by this user; give it the rights or run as root";
          default -> "";
        };
    return remedy.isEmpty()
        ? failure
        : new BlksnapException(failure.errno(), path + remedy, failure);
  }

  static BlksnapException during(String what, Path path, long offset, IOException failure) {
    if (failure instanceof BlksnapException known) {
      return known;
    }
    String reason = String.valueOf(failure.getMessage());
    return new BlksnapException(
        BlksnapException.errnoOf(failure),
        what + " of " + path + " at " + offset + " failed: " + reason,
        failure);
  }
}

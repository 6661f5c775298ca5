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
    return new BlksnapException(
        BlksnapException.errnoOf(failure), path + " cannot be opened: " + reason, failure);
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

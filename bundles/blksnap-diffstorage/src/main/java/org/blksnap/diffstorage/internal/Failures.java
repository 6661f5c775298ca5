// SPDX-License-Identifier: Apache-2.0
package org.blksnap.diffstorage.internal;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.util.Locale;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;

/** From what Java throws to an errno and a sentence. */
final class Failures {
  private Failures() {}

  /** {@code doing} is what failed, as in "opening it for reading and writing". */
  static BlksnapException of(IOException failure, Path path, String doing) {
    if (failure instanceof BlksnapException own) {
      return own;
    }
    return new BlksnapException(
        errno(failure), path + ": " + doing + " failed: " + failure, failure);
  }

  static Errno errno(IOException failure) {
    if (failure instanceof BlksnapException own) {
      return own.errno();
    }
    if (failure instanceof AccessDeniedException) {
      return Errno.EACCES;
    }
    if (failure instanceof NotDirectoryException) {
      return Errno.ENOTDIR;
    }
    String text = text(failure).toLowerCase(Locale.ROOT);
    if (text.contains("no space left") || text.contains("quota exceeded")) {
      return Errno.ENOSPC;
    }
    if (text.contains("read-only file system") || text.contains("permission denied")) {
      return Errno.EACCES;
    }
    if (text.contains("resource busy")) {
      return Errno.EBUSY;
    }
    if (text.contains("file too large")) {
      return Errno.EFBIG;
    }
    if (failure instanceof NoSuchFileException || failure instanceof FileNotFoundException) {
      return Errno.ENOENT;
    }
    return Errno.EIO;
  }

  private static String text(IOException failure) {
    String said =
        failure instanceof FileSystemException f && f.getReason() != null
            ? f.getReason()
            : failure.getMessage();
    return said == null ? "" : said;
  }

  /**
   * True where there is no room for a file, or none for one so large; a quota's end is answered as
   * ENOSPC. Any other failure may pass.
   */
  static boolean noRoom(BlksnapException failure) {
    return failure.errno() == Errno.ENOSPC || failure.errno() == Errno.EFBIG;
  }
}

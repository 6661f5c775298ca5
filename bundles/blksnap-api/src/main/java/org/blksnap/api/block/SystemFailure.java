// SPDX-License-Identifier: Apache-2.0
package org.blksnap.api.block;

import java.io.FileNotFoundException;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.FileLockInterruptionException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.ReadOnlyFileSystemException;
import java.util.List;

/**
 * Gives what the runtime throws its errno back. It keeps only the system's text of it, in the
 * language of the process's locale: the distribution sets one in which it is English. What a text
 * names is looked for in the reason alone, never in a path, which may hold any words.
 */
final class SystemFailure {
  private record Said(String text, Errno errno) {}

  /** A longer text stands before one that is a part of it. */
  private static final List<Said> TABLE =
      List.of(
          new Said("No space left on device", Errno.ENOSPC),
          new Said("Disk quota exceeded", Errno.ENOSPC),
          new Said("File too large", Errno.EFBIG),
          new Said("Read-only file system", Errno.EROFS),
          new Said("Permission denied", Errno.EACCES),
          new Said("Operation not permitted", Errno.EPERM),
          new Said("Device or resource busy", Errno.EBUSY),
          new Said("Text file busy", Errno.EBUSY),
          new Said("No such device or address", Errno.ENXIO),
          new Said("No such device", Errno.ENODEV),
          new Said("No medium found", Errno.ENODEV),
          new Said("No such file or directory", Errno.ENOENT),
          new Said("Not a directory", Errno.ENOTDIR),
          new Said("Is a directory", Errno.EISDIR),
          new Said("File name too long", Errno.ENAMETOOLONG),
          new Said("Cannot allocate memory", Errno.ENOMEM),
          new Said("Stale file handle", Errno.ESTALE),
          new Said("Connection timed out", Errno.ETIMEDOUT),
          new Said("Operation not supported", Errno.EOPNOTSUPP),
          new Said("Bad file descriptor", Errno.EBADF),
          new Said("Invalid argument", Errno.EINVAL),
          new Said("File exists", Errno.EEXIST));

  private SystemFailure() {}

  static Errno errno(Throwable failure) {
    if (failure instanceof OutOfMemoryError) {
      return Errno.ENOMEM;
    }
    if (failure instanceof NoSuchFileException) {
      return Errno.ENOENT;
    }
    if (failure instanceof AccessDeniedException) {
      return Errno.EACCES;
    }
    if (failure instanceof NotDirectoryException) {
      return Errno.ENOTDIR;
    }
    if (failure instanceof FileAlreadyExistsException) {
      return Errno.EEXIST;
    }
    if (failure instanceof ReadOnlyFileSystemException) {
      return Errno.EROFS;
    }
    if (failure instanceof ClosedByInterruptException
        || failure instanceof FileLockInterruptionException) {
      return Errno.EINTR;
    }
    return named(reason(failure), failure instanceof FileNotFoundException);
  }

  /** A FileNotFoundException says any reason of a failed open, and often a false one of ours. */
  private static Errno named(String reason, boolean opening) {
    for (Said said : TABLE) {
      if (reason.contains(said.text())) {
        return said.errno();
      }
    }
    return opening ? Errno.ENOENT : Errno.EIO;
  }

  /** Without the path: java.nio keeps the reason apart, java.io puts it in brackets behind. */
  private static String reason(Throwable failure) {
    if (failure instanceof FileSystemException named) {
      return String.valueOf(named.getReason());
    }
    String message = String.valueOf(failure.getMessage());
    return failure instanceof FileNotFoundException
        ? message.substring(Math.max(0, message.lastIndexOf('(')))
        : message;
  }
}

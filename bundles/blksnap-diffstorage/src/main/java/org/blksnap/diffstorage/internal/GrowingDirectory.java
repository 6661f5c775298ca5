// SPDX-License-Identifier: Apache-2.0
package org.blksnap.diffstorage.internal;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.UUID;
import java.util.function.Supplier;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.spi.host.HostFile;
import org.blksnap.spi.host.HostOperations;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A directory in which a pool makes its own files, {@code blksnap-<snapshot>-<n>.diff}, readable by
 * nobody else. Space is reserved where the host can; otherwise, also where the host fails for any
 * reason but lack of room, the files are sparse, and only what the file system has free at the
 * moment is promised. Guarded by its pool.
 */
final class GrowingDirectory {
  private static final Logger LOG = LoggerFactory.getLogger(GrowingDirectory.class);

  private final Path directory;
  private final UUID snapshot;
  private final long limit;
  private final Supplier<HostOperations> host;
  private long used;

  /** {@code limit} and {@code used} are bytes; {@code host} may answer null. */
  GrowingDirectory(
      Path directory, UUID snapshot, long limit, long used, Supplier<HostOperations> host) {
    this.directory = directory;
    this.snapshot = snapshot;
    this.limit = limit;
    this.used = used;
    this.host = host;
  }

  Path path() {
    return directory;
  }

  long limit() {
    return limit;
  }

  /** Bytes it may still grow. */
  long room() {
    return limit - used;
  }

  /** True for a file this pool made in here. */
  boolean holds(Path file) {
    return directory.equals(file.getParent());
  }

  void used(long more) {
    used += more;
  }

  /** Makes the n-th file. Nothing stays behind where it fails. */
  Path make(int number, long length) throws BlksnapException {
    Path file = directory.resolve("blksnap-" + snapshot + "-" + number + ".diff");
    try {
      Files.deleteIfExists(file); // left by a process killed between making and noting it
      Files.createFile(
          file, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
    } catch (IOException e) {
      throw Failures.of(e, file, "making it");
    }
    try {
      reserve(file, length);
      return file;
    } catch (IOException e) {
      remove(file);
      throw Failures.of(e, file, "reserving " + length + " bytes for it");
    }
  }

  private void reserve(Path file, long length) throws IOException {
    long free = Files.getFileStore(file).getUsableSpace();
    if (free < length) {
      throw new BlksnapException(
          Errno.ENOSPC,
          file
              + ": "
              + length
              + " bytes refused: its file system has "
              + free
              + " bytes free; make room there, or give storage elsewhere");
    }
    HostOperations present = host.get();
    if (present != null) {
      try (HostFile open = present.open(file, true, false)) {
        open.allocate(0, length);
        return;
      } catch (BlksnapException e) {
        if (Failures.noRoom(e)) {
          throw e;
        }
        if (e.errno() != Errno.EOPNOTSUPP && e.errno() != Errno.ENOSYS) {
          LOG.warn("{}: its space is not reserved, it is sparse: {}", file, e.toString());
        }
      }
    }
    try (RandomAccessFile sparse = new RandomAccessFile(file.toFile(), "rw")) {
      sparse.setLength(length);
    }
  }

  /** Removes all files of this pool in here, also those no record tells of. Never throws. */
  void clear() {
    try (DirectoryStream<Path> files =
        Files.newDirectoryStream(directory, "blksnap-" + snapshot + "-*.diff")) {
      for (Path file : files) {
        if (Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)) {
          remove(file);
        }
      }
    } catch (IOException e) {
      LOG.warn("{}: removing difference storage failed: {}", directory, e.toString());
    }
  }

  static void remove(Path file) {
    try {
      Files.deleteIfExists(file);
    } catch (IOException e) {
      LOG.warn("{}: removing it failed: {}; remove it by hand", file, e.toString());
    }
  }
}

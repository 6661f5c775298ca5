// SPDX-License-Identifier: Apache-2.0
package org.blksnap.diffstorage.internal;

import java.io.Closeable;
import java.nio.file.Path;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.spi.host.HostFile;

/**
 * Keeps what storage stands on from its opening to its end: the host's descriptor with the locks
 * others see, where there is one, and the name by which the very same file is opened again. An
 * interrupt drops neither.
 */
final class StorageClaim implements Closeable {
  private final Path path;
  private final FileKey key;
  private final HostFile file;

  /** {@code file} may be null: then the path is compared with the file it led to at first. */
  StorageClaim(Path path, HostFile file) throws BlksnapException {
    this.path = path;
    this.key = FileKey.of(path);
    this.file = file;
  }

  /** ESTALE where the path leads to another file by now and there is no other way to it. */
  Path current() throws BlksnapException {
    Path current = file == null ? path : file.descriptor();
    FileKey now = FileKey.of(current);
    if (!now.equals(key)) {
      throw new BlksnapException(
          Errno.ESTALE,
          path + " is another file now, and what was stored is lost; destroy the snapshot");
    }
    return current;
  }

  @Override
  public void close() {
    if (file != null) {
      file.close();
    }
  }
}

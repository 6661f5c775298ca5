// SPDX-License-Identifier: Apache-2.0
package org.blksnap.diffstorage.internal;

import java.io.Closeable;
import java.io.IOException;
import org.blksnap.linux.file.EnduringFile;
import org.blksnap.linux.file.HeldFile;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a pool has open.
 *
 * @param bytes for reading and writing
 * @param held the file itself, with the locks others see; closed last
 */
record BackingFile(EnduringFile bytes, HeldFile held) implements Closeable {
  private static final Logger LOG = LoggerFactory.getLogger(BackingFile.class);

  @Override
  public void close() {
    try (held) {
      bytes.close();
    } catch (IOException e) {
      LOG.warn("{}: closing it failed: {}", held, e.toString());
    }
  }
}

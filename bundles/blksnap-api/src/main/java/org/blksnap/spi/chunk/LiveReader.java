// SPDX-License-Identifier: Apache-2.0
package org.blksnap.spi.chunk;

import java.io.IOException;
import java.nio.ByteBuffer;
import org.osgi.annotation.versioning.ConsumerType;

/** Reads the live device beneath the filter. */
@ConsumerType
@FunctionalInterface
public interface LiveReader {
  /** Fills the buffer wholly or throws. */
  void read(ByteBuffer dst, long offset) throws IOException;

  /**
   * True where the whole range is known to read as zeroes without being read, because nothing is
   * allocated there. Asked while no write to the range can go down. False costs the read alone.
   */
  default boolean hole(long offset, long length) throws IOException {
    return false;
  }
}

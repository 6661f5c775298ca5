// SPDX-License-Identifier: Apache-2.0
package org.blksnap.api.change;

import java.io.IOException;
import java.nio.ByteBuffer;
import org.osgi.annotation.versioning.ProviderType;

/** The bytes of a change map, and what they belong to. Thread rule: any thread. */
@ProviderType
public interface MapBytes {
  /** The present generation and number. EFAULT where the map is corrupted. */
  CbtInfo info() throws IOException;

  /**
   * Reads map bytes from block {@code index} on, until the map's end or {@code dst} is full;
   * answers how many. At the end: 0. Past the end: EINVAL. Corrupted map: EFAULT.
   */
  int read(long index, ByteBuffer dst) throws IOException;
}

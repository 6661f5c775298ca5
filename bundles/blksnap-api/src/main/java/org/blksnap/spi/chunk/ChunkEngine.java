// SPDX-License-Identifier: Apache-2.0
package org.blksnap.spi.chunk;

import org.blksnap.api.block.BlksnapException;
import org.osgi.annotation.versioning.ProviderType;

/** Makes diff areas. Any thread. */
@ProviderType
public interface ChunkEngine {
  /** An empty one. */
  DiffArea create(DiffAreaRequest request) throws BlksnapException;

  /**
   * Goes on with what the directory holds, after a hand-over, a stop or a kill of the process.
   * EFAULT: it is damaged, or belongs to another capacity.
   */
  DiffArea adopt(DiffAreaRequest request) throws BlksnapException;
}

// SPDX-License-Identifier: Apache-2.0
package org.blksnap.spi.node;

import java.time.Duration;
import java.util.Set;
import org.blksnap.api.block.BlksnapException;
import org.osgi.annotation.versioning.ProviderType;

/** What the kernel tells of connections that die, also of nodes of others. One thread at a time. */
@ProviderType
public interface DeadLinks extends AutoCloseable {
  /**
   * Indices of the nodes with a connection that died since the last call, waiting for one as long
   * as this; empty where none did. ENODATA: some news were lost, so any node may have one. EBADF:
   * closed.
   */
  Set<Integer> await(Duration wait) throws BlksnapException;

  /** Idempotent; ends a wait within its time. */
  @Override
  void close();
}

// SPDX-License-Identifier: Apache-2.0
package org.blksnap.spi.host;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import org.blksnap.api.block.BlksnapException;
import org.osgi.annotation.versioning.ProviderType;

/**
 * What Java alone cannot do to a device. Optional: without it the engine works, and says what it
 * does without. Any thread.
 */
@ProviderType
public interface HostOperations {
  /**
   * Opens. {@code exclusive}: O_EXCL without O_CREAT, which on a block device means that nobody
   * else holds or mounts it (EBUSY otherwise).
   */
  HostFile open(Path path, boolean writable, boolean exclusive) throws BlksnapException;

  /** FIFREEZE of the file system mounted there. EBUSY: frozen already. */
  void freeze(Path mountPoint) throws BlksnapException;

  /** FITHAW. EINVAL: not frozen. */
  void thaw(Path mountPoint) throws BlksnapException;

  /** mlock of a direct buffer. */
  void lockMemory(ByteBuffer direct) throws BlksnapException;
}

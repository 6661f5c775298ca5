// SPDX-License-Identifier: Apache-2.0
package org.blksnap.spi.device;

import java.nio.file.Path;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Geometry;
import org.osgi.annotation.versioning.ProviderType;

/** Opens files and block devices. Stateless but for what is open; any thread. */
@ProviderType
public interface DeviceProvider {
  /**
   * ENOENT, EACCES, ENODEV (neither regular file nor block device, or a file the kernel makes when
   * it is read), EINVAL (an empty file), ENXIO (a block device without a size), EROFS (for writing,
   * where it is read-only), EBUSY (mounted or held elsewhere).
   */
  RawDevice open(OpenRequest request) throws BlksnapException;

  /** Geometry without holding it open. Same errors, but never EBUSY. */
  Geometry geometry(Path path) throws BlksnapException;
}

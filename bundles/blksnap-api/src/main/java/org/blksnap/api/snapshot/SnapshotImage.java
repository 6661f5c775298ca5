// SPDX-License-Identifier: Apache-2.0
package org.blksnap.api.snapshot;

import java.util.UUID;
import org.blksnap.api.block.BlockDevice;
import org.blksnap.api.block.Errno;
import org.blksnap.api.change.ChangeMap;
import org.osgi.annotation.versioning.ProviderType;

/**
 * The device as it was at the take. Named {@code blksnap-image_<major>:<minor>}. Writable: what is
 * written lands in the difference storage, never on the device, and is marked in both change maps.
 * Every call answers EIO once it is corrupted and ESTALE once the snapshot is destroyed.
 */
@ProviderType
public interface SnapshotImage extends BlockDevice {
  /** The snapshot it belongs to. */
  UUID snapshot();

  /** Name of the live device. */
  String device();

  /** {@link Errno#OK}, or the first error that corrupted it. */
  Errno error();

  /**
   * The change map as it was at this image's take: its extents lie within the image. Where the
   * device's map has begun anew since (a resize, for instance), nobody can say what had changed,
   * and all of the image counts as changed. What is marked dirty is marked in the device's map.
   */
  ChangeMap changes();
}

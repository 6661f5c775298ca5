// SPDX-License-Identifier: Apache-2.0
package org.blksnap.api.snapshot;

import java.nio.file.Path;
import java.util.Optional;
import java.util.UUID;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.BlockDevice;
import org.blksnap.api.change.CbtInfo;
import org.blksnap.api.change.ChangeMap;
import org.osgi.annotation.versioning.ProviderType;

/**
 * A live device with the filter on it: what is written through it is tracked and, under a snapshot,
 * preserved.
 */
@ProviderType
public interface AttachedDevice extends BlockDevice {
  /** What was attached. */
  Path path();

  /** {@code major:minor} of a block device, a stable key of the file otherwise. */
  String identity();

  /** The device number's major part; 0 for a regular file. */
  int major();

  /** The device number's minor part; a small number unique in this engine for a regular file. */
  int minor();

  /** The readable change map. */
  ChangeMap changes();

  /** The snapshot that holds this device, if one does. */
  Optional<UUID> snapshot();

  /**
   * Looks at the device's capacity now; true where it had changed: the change map has begun anew
   * then. False also where nothing can be looked at, since the engine has stopped or a bundle is
   * away. Fails as the host does; ETIMEDOUT: requests under way did not end.
   */
  boolean rescan() throws java.io.IOException;

  /**
   * Begins a new generation of the change map, with the tracking block parameters in force now: the
   * way to finer or coarser blocks while the device stays attached. The reason is {@link
   * org.blksnap.api.change.GenerationReason#PARAMETERS_CHANGED}, all of the device counts as
   * changed since number 0, and the next backup has to be a full one. Answers the new map.
   *
   * <p>EBUSY: a snapshot has an image of the device, whose changes would be lost. EFBIG: too many
   * blocks. ETIMEDOUT: requests under way did not end. ESHUTDOWN: a bundle is away. In all these
   * cases the old map goes on.
   */
  CbtInfo restartChanges() throws BlksnapException;

  /** How long the gate was closed, so far. */
  GateStatistics gate();

  /** What it suffers from, if anything. */
  DeviceCondition condition();

  /** The same as a sentence for a person; {@code ok} where nothing is the matter. */
  String conditionDetail();

  /** The request it was attached with. */
  AttachRequest request();
}

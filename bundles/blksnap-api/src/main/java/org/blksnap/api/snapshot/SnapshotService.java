// SPDX-License-Identifier: Apache-2.0
package org.blksnap.api.snapshot;

import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.blksnap.api.block.BlksnapException;
import org.osgi.annotation.versioning.ProviderType;

/**
 * The blksnap system of one engine: the seven control calls and the per-device calls as methods.
 * Registered once per engine with the service property {@link #ENGINE}. Thread rule: any thread.
 */
@ProviderType
public interface SnapshotService {
  /** Service property: {@code userspace} or {@code kernel}. */
  String ENGINE = "blksnap.engine";

  /** The interface version, 2.0.0.0. */
  Version version();

  /**
   * Opens a device and puts the filter on it. ENOENT: no such path. ENODEV: neither file nor block
   * device. EBUSY: mounted or exclusively open elsewhere. EALREADY: attached already. EEXIST: the
   * name is taken. EINVAL: a bad name. EAGAIN: a bundle is away and did not come back within the
   * hand-over timeout.
   */
  AttachedDevice attach(AttachRequest request) throws BlksnapException;

  /** Takes the filter off and closes it. ENODEV: no such device. EBUSY: a snapshot holds it. */
  void detach(String device) throws BlksnapException;

  /** In order of their names. */
  List<AttachedDevice> devices();

  /** By name, path, or {@code major:minor}. */
  Optional<AttachedDevice> device(String nameOrPath);

  /** A new, empty snapshot. */
  Snapshot create() throws BlksnapException;

  /** Ids of all snapshots, oldest first ({@code snapshot_collect}). */
  List<UUID> collect();

  /** All snapshots, oldest first. */
  List<Snapshot> snapshots();

  /** ESRCH: no such snapshot. */
  Snapshot snapshot(UUID id) throws BlksnapException;

  /** ENODEV: no such snapshot. */
  void destroy(UUID id) throws BlksnapException;

  /** All images of all taken snapshots. */
  List<SnapshotImage> images();

  /** An image by its name. */
  Optional<SnapshotImage> image(String name);
}

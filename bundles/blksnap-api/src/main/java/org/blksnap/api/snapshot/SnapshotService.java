// SPDX-License-Identifier: Apache-2.0
package org.blksnap.api.snapshot;

import java.util.List;
import java.util.Optional;
import java.util.Set;
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

  /** The engine's name: the value of {@link #ENGINE}. */
  String engine();

  /** What this engine can do beyond what every engine does; the same as long as it lives. */
  Set<Capability> capabilities();

  /** The interface version, 2.0.0.0. */
  Version version();

  /**
   * Opens a device and puts the filter on it. ENOENT: no such path. ENODEV: neither file nor block
   * device. EBUSY: mounted or exclusively open elsewhere. EALREADY: attached already. EEXIST: the
   * name is taken. EINVAL: a bad name. EAGAIN: a bundle is away and did not come back within the
   * hand-over timeout. EOPNOTSUPP: the request asks for what the engine cannot do ({@link
   * #capabilities}). ESHUTDOWN: the engine has stopped.
   */
  AttachedDevice attach(AttachRequest request) throws BlksnapException;

  /**
   * As {@link #attach}, but answers the device where it is attached already, whatever it was
   * attached as; its name may be another one than asked for. Another path of the same file or block
   * device will do: a link, or another node of the same {@code major:minor}. EROFS: it is attached
   * read-only, and the request is not for that. EALREADY: it is attached in a way that cannot be
   * answered, as the file below an attached loop device; or it comes and goes all the time.
   */
  default AttachedDevice attachOrGet(AttachRequest request) throws BlksnapException {
    return AttachedAlready.attachOrGet(request, () -> attach(request), this::devices);
  }

  /** Takes the filter off and closes it. ENODEV: no such device. EBUSY: a snapshot holds it. */
  void detach(String device) throws BlksnapException;

  /** In order of their names. */
  List<AttachedDevice> devices();

  /** By name, path, or {@code major:minor}. */
  Optional<AttachedDevice> device(String nameOrPath);

  /** A new, empty snapshot. */
  default Snapshot create() throws BlksnapException {
    return create(SnapshotRequest.of());
  }

  /**
   * A new snapshot with the request's devices and what storage it names, not taken yet. All of it
   * or nothing: where a step is refused, as {@link Snapshot#addDevice} and {@link
   * Snapshot#appendStorage} do, no snapshot is left.
   */
  Snapshot create(SnapshotRequest request) throws BlksnapException;

  /**
   * Takes a snapshot as one step: creates it, adds the devices, gives the storage (the engine's
   * default where the request names none) and takes it. All of it or nothing. Fails as these steps
   * do; EINVAL: the request names no device; EOPNOTSUPP: it names no storage, and the engine has no
   * {@link Capability#STORAGE_DIRECTORY}.
   */
  SnapshotLease take(SnapshotRequest request) throws BlksnapException;

  /** Ids of all snapshots, oldest first ({@code snapshot_collect}). */
  List<UUID> collect();

  /** All snapshots, oldest first. */
  List<Snapshot> snapshots();

  /** ESRCH: no such snapshot. */
  Snapshot snapshot(UUID id) throws BlksnapException;

  /** ENODEV: no such snapshot. ESHUTDOWN: the engine has stopped; its successor has it. */
  void destroy(UUID id) throws BlksnapException;

  /** All images of all taken snapshots. */
  List<SnapshotImage> images();

  /** An image by its name. */
  Optional<SnapshotImage> image(String name);
}

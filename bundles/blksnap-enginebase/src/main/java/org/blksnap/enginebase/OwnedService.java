// SPDX-License-Identifier: Apache-2.0
package org.blksnap.enginebase;

import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.snapshot.AttachRequest;
import org.blksnap.api.snapshot.AttachedDevice;
import org.blksnap.api.snapshot.Capability;
import org.blksnap.api.snapshot.Snapshot;
import org.blksnap.api.snapshot.SnapshotImage;
import org.blksnap.api.snapshot.SnapshotLease;
import org.blksnap.api.snapshot.SnapshotRequest;
import org.blksnap.api.snapshot.SnapshotService;
import org.blksnap.api.snapshot.Version;

/**
 * An engine as one bundle sees it: a snapshot that the bundle asks for without saying whose it is,
 * is the bundle's. Everything else is the engine's own answer. Two of the same engine and bundle
 * are equal: a bundle that gets the service again may be given another object.
 */
public final class OwnedService implements SnapshotService {
  private final SnapshotService engine;
  private final String owner;

  /** {@code owner} is the symbolic name of the bundle; empty for one that has none. */
  public OwnedService(SnapshotService engine, String owner) {
    this.engine = engine;
    this.owner = owner;
  }

  private SnapshotRequest owned(SnapshotRequest request) {
    return request.owner().isEmpty() ? request.ownedBy(owner) : request;
  }

  @Override
  public Snapshot create(SnapshotRequest request) throws BlksnapException {
    return engine.create(owned(request));
  }

  @Override
  public SnapshotLease take(SnapshotRequest request) throws BlksnapException {
    return engine.take(owned(request));
  }

  @Override
  public String engine() {
    return engine.engine();
  }

  @Override
  public Set<Capability> capabilities() {
    return engine.capabilities();
  }

  @Override
  public Version version() {
    return engine.version();
  }

  @Override
  public AttachedDevice attach(AttachRequest request) throws BlksnapException {
    return engine.attach(request);
  }

  @Override
  public AttachedDevice attachOrGet(AttachRequest request) throws BlksnapException {
    return engine.attachOrGet(request);
  }

  @Override
  public void detach(String device) throws BlksnapException {
    engine.detach(device);
  }

  @Override
  public List<AttachedDevice> devices() {
    return engine.devices();
  }

  @Override
  public Optional<AttachedDevice> device(String nameOrPath) {
    return engine.device(nameOrPath);
  }

  @Override
  public List<UUID> collect() {
    return engine.collect();
  }

  @Override
  public List<Snapshot> snapshots() {
    return engine.snapshots();
  }

  @Override
  public Snapshot snapshot(UUID id) throws BlksnapException {
    return engine.snapshot(id);
  }

  @Override
  public void destroy(UUID id) throws BlksnapException {
    engine.destroy(id);
  }

  @Override
  public List<SnapshotImage> images() {
    return engine.images();
  }

  @Override
  public Optional<SnapshotImage> image(String name) {
    return engine.image(name);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof OwnedService that && engine == that.engine && owner.equals(that.owner);
  }

  @Override
  public int hashCode() {
    return Objects.hash(System.identityHashCode(engine), owner);
  }

  @Override
  public String toString() {
    return engine.engine() + " engine for " + owner;
  }
}

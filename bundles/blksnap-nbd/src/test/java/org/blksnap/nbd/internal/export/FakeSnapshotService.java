// SPDX-License-Identifier: Apache-2.0
package org.blksnap.nbd.internal.export;

import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import org.blksnap.api.snapshot.AttachRequest;
import org.blksnap.api.snapshot.AttachedDevice;
import org.blksnap.api.snapshot.Capability;
import org.blksnap.api.snapshot.Snapshot;
import org.blksnap.api.snapshot.SnapshotImage;
import org.blksnap.api.snapshot.SnapshotLease;
import org.blksnap.api.snapshot.SnapshotRequest;
import org.blksnap.api.snapshot.SnapshotService;
import org.blksnap.api.snapshot.Version;

/** An engine with the devices and images a test gives it. */
public class FakeSnapshotService implements SnapshotService {
  public final List<AttachedDevice> devices = new CopyOnWriteArrayList<>();
  public final List<SnapshotImage> images = new CopyOnWriteArrayList<>();

  public FakeSnapshotService(AttachedDevice... devices) {
    this.devices.addAll(List.of(devices));
  }

  @Override
  public String engine() {
    return "userspace";
  }

  @Override
  public Set<Capability> capabilities() {
    return Set.of();
  }

  @Override
  public Version version() {
    throw new UnsupportedOperationException();
  }

  @Override
  public AttachedDevice attach(AttachRequest request) {
    throw new UnsupportedOperationException();
  }

  @Override
  public void detach(String device) {
    throw new UnsupportedOperationException();
  }

  @Override
  public List<AttachedDevice> devices() {
    return devices;
  }

  @Override
  public Optional<AttachedDevice> device(String nameOrPath) {
    return devices.stream().filter(d -> d.name().equals(nameOrPath)).findFirst();
  }

  @Override
  public Snapshot create(SnapshotRequest request) {
    throw new UnsupportedOperationException();
  }

  @Override
  public SnapshotLease take(SnapshotRequest request) {
    throw new UnsupportedOperationException();
  }

  @Override
  public List<UUID> collect() {
    return List.of();
  }

  @Override
  public List<Snapshot> snapshots() {
    return List.of();
  }

  @Override
  public Snapshot snapshot(UUID id) {
    throw new UnsupportedOperationException();
  }

  @Override
  public void destroy(UUID id) {
    throw new UnsupportedOperationException();
  }

  @Override
  public List<SnapshotImage> images() {
    return images;
  }

  @Override
  public Optional<SnapshotImage> image(String name) {
    return images.stream().filter(i -> i.name().equals(name)).findFirst();
  }
}

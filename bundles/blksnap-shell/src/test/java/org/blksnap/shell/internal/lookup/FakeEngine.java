// SPDX-License-Identifier: Apache-2.0
package org.blksnap.shell.internal.lookup;

import java.nio.file.Files;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.snapshot.AttachRequest;
import org.blksnap.api.snapshot.AttachedDevice;
import org.blksnap.api.snapshot.Capability;
import org.blksnap.api.snapshot.Snapshot;
import org.blksnap.api.snapshot.SnapshotImage;
import org.blksnap.api.snapshot.SnapshotLease;
import org.blksnap.api.snapshot.SnapshotRequest;
import org.blksnap.api.snapshot.SnapshotService;
import org.blksnap.api.snapshot.StorageGrant;
import org.blksnap.api.snapshot.Version;

/** An engine that keeps names and does nothing. */
public final class FakeEngine implements SnapshotService {
  public static final long CAPACITY = 1 << 20;

  public final Map<String, FakeDevice> devices = new TreeMap<>();
  public final Map<UUID, FakeSnapshot> snapshots = new LinkedHashMap<>();
  public BlksnapException takeFailure;

  /** What the next create answers; one is made where it is null. */
  public FakeSnapshot next;

  private int made;

  @Override
  public Version version() {
    return Version.INTERFACE;
  }

  @Override
  public AttachedDevice attach(AttachRequest request) throws BlksnapException {
    if (!Files.exists(request.path())) {
      throw new BlksnapException(
          Errno.ENOENT, "path " + request.path() + " refused: no such file; give one that exists");
    }
    FakeDevice device = new FakeDevice(request, CAPACITY);
    devices.put(device.name(), device);
    return device;
  }

  @Override
  public void detach(String device) throws BlksnapException {
    if (devices.get(device).snapshot().isPresent()) {
      throw new BlksnapException(Errno.EBUSY, "device " + device + " refused: a snapshot holds it");
    }
    devices.remove(device);
  }

  @Override
  public List<AttachedDevice> devices() {
    return List.copyOf(devices.values());
  }

  @Override
  public Optional<AttachedDevice> device(String nameOrPath) {
    return devices().stream()
        .filter(d -> d.name().equals(nameOrPath) || d.path().toString().equals(nameOrPath))
        .findFirst();
  }

  @Override
  public String engine() {
    return "userspace";
  }

  @Override
  public Set<Capability> capabilities() {
    return EnumSet.allOf(Capability.class);
  }

  @Override
  public FakeSnapshot create(SnapshotRequest request) throws BlksnapException {
    UUID id = new UUID(0x1111_0000_0000_4000L + ((long) made++ << 56), 0x8000_0000_0000_0000L);
    FakeSnapshot snapshot = next == null ? new FakeSnapshot(this, id) : next;
    next = null;
    snapshot.label = request.label();
    snapshot.owner = request.owner();
    snapshots.put(snapshot.id(), snapshot);
    try {
      for (String device : request.devices()) {
        snapshot.addDevice(device);
      }
      for (StorageGrant grant : request.storage()) {
        snapshot.give(grant);
      }
    } catch (BlksnapException e) {
      snapshots.remove(snapshot.id());
      throw e;
    }
    return snapshot;
  }

  @Override
  public SnapshotLease take(SnapshotRequest request) throws BlksnapException {
    FakeSnapshot snapshot = create(request);
    try {
      return new SnapshotLease(snapshot, snapshot.take());
    } catch (BlksnapException e) {
      snapshots.remove(snapshot.id());
      throw e;
    }
  }

  @Override
  public List<UUID> collect() {
    return List.copyOf(snapshots.keySet());
  }

  @Override
  public List<Snapshot> snapshots() {
    return List.copyOf(snapshots.values());
  }

  @Override
  public Snapshot snapshot(UUID id) throws BlksnapException {
    Snapshot found = snapshots.get(id);
    if (found == null) {
      throw new BlksnapException(Errno.ESRCH, "snapshot " + id + " refused");
    }
    return found;
  }

  @Override
  public void destroy(UUID id) throws BlksnapException {
    snapshots.get(id).destroy();
  }

  @Override
  public List<SnapshotImage> images() {
    return snapshots.values().stream().flatMap(s -> s.images().stream()).toList();
  }

  @Override
  public Optional<SnapshotImage> image(String name) {
    return images().stream().filter(i -> i.name().equals(name)).findFirst();
  }
}

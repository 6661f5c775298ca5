// SPDX-License-Identifier: Apache-2.0
package org.blksnap.testkit;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.UUID;

/**
 * A whole engine in the plainest way: a byte array a device, a copy an image. Single-threaded;
 * knows nothing of chunks but that touching one fills the storage.
 */
public final class EngineModel {
  private final Map<String, DeviceModel> devices = new TreeMap<>();
  private final Map<UUID, SnapshotModel> snapshots = new LinkedHashMap<>();

  /** By name. */
  public Map<String, DeviceModel> devices() {
    return devices;
  }

  /** Oldest first. */
  public Map<UUID, SnapshotModel> snapshots() {
    return snapshots;
  }

  public DeviceModel attach(String name, byte[] content, SizeRule tracking) {
    DeviceModel device = new DeviceModel(name, content, tracking);
    devices.put(name, device);
    return device;
  }

  /** The snapshot a device is in. */
  public Optional<SnapshotModel> snapshotOf(DeviceModel device) {
    return snapshots.values().stream()
        .filter(snapshot -> snapshot.images().containsKey(device.name()))
        .findFirst();
  }

  /** The image a device has. */
  public Optional<ImageModel> imageOf(DeviceModel device) {
    return snapshotOf(device).map(snapshot -> snapshot.images().get(device.name()));
  }

  public void write(DeviceModel device, long offset, byte[] data) {
    touch(device, offset, data.length);
    System.arraycopy(data, 0, device.live(), (int) offset, data.length);
  }

  public void writeZeroes(DeviceModel device, long offset, long length) {
    touch(device, offset, length);
    Arrays.fill(device.live(), (int) offset, (int) (offset + length), (byte) 0);
  }

  /** All a write does but the data. */
  public void touch(DeviceModel device, long offset, long length) {
    device.changes().mark(offset, length);
    imageOf(device).ifPresent(image -> image.touch(offset, length));
  }

  public void writeImage(DeviceModel device, ImageModel image, long offset, byte[] data) {
    device.changes().markBoth(offset, data.length);
    image.touch(offset, data.length);
    System.arraycopy(data, 0, image.content(), (int) offset, data.length);
  }

  /** The device is another size now; an image larger than it is lost. */
  public void resize(DeviceModel device, int capacity) {
    device.resize(capacity);
    imageOf(device).filter(image -> image.content().length > capacity).ifPresent(ImageModel::lose);
  }

  public SnapshotModel create(UUID id, long minimumSectors) {
    SnapshotModel snapshot = new SnapshotModel(id, minimumSectors);
    snapshot.storage().devices(() -> bytesOf(snapshot));
    snapshots.put(id, snapshot);
    return snapshot;
  }

  private long bytesOf(SnapshotModel snapshot) {
    return snapshot.images().entrySet().stream()
        .mapToLong(
            entry ->
                entry.getValue() != null
                    ? entry.getValue().content().length
                    : devices.get(entry.getKey()).live().length)
        .sum();
  }

  public void add(SnapshotModel snapshot, DeviceModel device) {
    snapshot.images().put(device.name(), null);
  }

  public void take(SnapshotModel snapshot, SizeRule chunks, int minimumIo) {
    for (Map.Entry<String, ImageModel> entry : snapshot.images().entrySet()) {
      DeviceModel device = devices.get(entry.getKey());
      int chunkSize = chunks.blockSize(device.live().length, minimumIo);
      ImageModel image = new ImageModel(device.live(), chunkSize, snapshot.storage());
      entry.setValue(image);
      device.changes().take();
      image.takenWith(device.changes());
    }
    snapshot.becomeTaken();
  }

  public void destroy(SnapshotModel snapshot) {
    snapshots.remove(snapshot.id());
  }
}

// SPDX-License-Identifier: Apache-2.0
package org.blksnap.kernel.internal;

import java.nio.file.Path;
import java.util.List;
import java.util.UUID;
import org.blksnap.kernel.internal.device.DeviceBook;
import org.blksnap.kernel.internal.device.LiveDevice;
import org.blksnap.kernel.internal.record.StorageRecord;
import org.blksnap.kernel.internal.snapshot.Snapshots;
import org.blksnap.kernel.internal.storage.Claims;
import org.blksnap.kernel.internal.storage.Lending;
import org.blksnap.kernel.internal.storage.SnapshotStorage;
import org.blksnap.kernel.internal.storage.StorageChecks;

/** What the storage of all snapshots of one engine has in common. */
final class StorageRoom implements Snapshots.StorageMaker {
  private final EngineGround ground;
  private final DeviceBook devices;
  private final Claims claims;
  private final Lending lending;
  private final StorageChecks checks;

  StorageRoom(EngineGround ground, DeviceBook devices) {
    this.ground = ground;
    this.devices = devices;
    this.claims = new Claims(ground.disks());
    this.lending = new Lending(ground.host(), ground.disks(), claims);
    this.checks = new StorageChecks(ground.disks(), devices, ground.providers());
  }

  Claims claims() {
    return claims;
  }

  @Override
  public SnapshotStorage make(UUID id, Path directory, StorageRecord record) {
    return new SnapshotStorage(
        id,
        directory,
        record,
        ground.module(),
        ground.disks(),
        lending,
        checks,
        () -> membersOf(id));
  }

  private List<LiveDevice> membersOf(UUID snapshot) {
    return devices.all().stream()
        .filter(device -> device.snapshot().filter(snapshot::equals).isPresent())
        .toList();
  }
}

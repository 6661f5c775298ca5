// SPDX-License-Identifier: Apache-2.0
package org.blksnap.nbd.internal.export;

import org.blksnap.api.block.BlockDevice;
import org.blksnap.api.change.ChangeMap;
import org.blksnap.api.snapshot.AttachedDevice;
import org.blksnap.api.snapshot.SnapshotImage;

/**
 * What an export name stands for at one moment.
 *
 * @param kind {@code device} or {@code image}
 * @param name the export name
 * @param identity tells a device or image from another one that later bears the same name: image
 *     names are used again by the next snapshot
 * @param description a sentence for a person
 * @param device where requests go
 * @param changes its change map
 */
public record Target(
    String kind,
    String name,
    String identity,
    String description,
    BlockDevice device,
    ChangeMap changes) {
  static final String DEVICE = "device";
  static final String IMAGE = "image";

  static Target of(AttachedDevice device) {
    return new Target(
        DEVICE,
        device.name(),
        device.identity(),
        "live device " + device.path(),
        device,
        device.changes());
  }

  static Target of(SnapshotImage image) {
    return new Target(
        IMAGE,
        image.name(),
        image.snapshot().toString(),
        "image of " + image.device() + " in snapshot " + image.snapshot(),
        image,
        image.changes());
  }

  public boolean image() {
    return kind.equals(IMAGE);
  }
}

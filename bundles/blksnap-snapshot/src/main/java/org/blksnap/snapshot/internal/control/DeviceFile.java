// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal.control;

import org.blksnap.linux.file.FileIdentity;
import org.blksnap.spi.device.DeviceIdentity;

/** Whether a file is one that a known device stands on. */
final class DeviceFile {
  private DeviceFile() {}

  /** True where it is this device, or the file below this loop device. */
  static boolean is(FileIdentity file, DeviceIdentity known) {
    if (file.block()) {
      return known.blockDevice()
          && known.major() == file.number().major()
          && known.minor() == file.number().minor();
    }
    String key = file.fileKey();
    return known.blockDevice() ? liesOn(known, key) : known.key().equals(key);
  }

  /** True where it is a loop device, or a partition of one, over the file with this key. */
  static boolean liesOn(DeviceIdentity loop, String fileKey) {
    return loop.blockDevice() && loop.key().startsWith(FileIdentity.loopKeyOver(fileKey));
  }
}

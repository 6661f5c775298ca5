// SPDX-License-Identifier: Apache-2.0
package org.blksnap.kernel.internal.device;

import java.util.Optional;
import org.blksnap.api.change.GenerationReason;
import org.blksnap.kernel.internal.record.DeviceRecord;

/**
 * Why the map of a device that this engine has just put the filter on is a new one.
 *
 * @param reason why
 * @param detail what was seen
 */
record Beginning(GenerationReason reason, String detail) {
  /**
   * @param before the record of this name; empty where there is none
   * @param now the device as it is attached
   */
  static Beginning of(Optional<DeviceRecord> before, DeviceRecord now) {
    if (before.isEmpty()) {
      return new Beginning(GenerationReason.FIRST_ATTACH, "");
    }
    DeviceRecord old = before.get();
    if (!old.bootId().equals(now.bootId())) {
      return unproven("the host was booted since it was last attached");
    }
    if (!old.incarnation().equals(now.incarnation())) {
      return unproven("the kernel module was loaded anew since it was last attached");
    }
    boolean otherNumber = old.major() != now.major() || old.minor() != now.minor();
    if (otherNumber || !old.medium().equals(now.medium())) {
      return new Beginning(
          GenerationReason.OTHER_DEVICE,
          "last attached was "
              + old.major()
              + ":"
              + old.minor()
              + words(old.medium())
              + ", this is "
              + now.major()
              + ":"
              + now.minor()
              + words(now.medium()));
    }
    return old.attached()
        ? unproven("the kernel's filter had gone from it")
        : unproven("it was detached in between");
  }

  private static Beginning unproven(String detail) {
    return new Beginning(GenerationReason.UNPROVEN, detail);
  }

  private static String words(String medium) {
    return medium.isEmpty() ? "" : " with sequence number " + medium;
  }
}

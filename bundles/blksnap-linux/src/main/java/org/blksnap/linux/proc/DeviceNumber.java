// SPDX-License-Identifier: Apache-2.0
package org.blksnap.linux.proc;

import java.util.Optional;

/** Major and minor number of a device, as the kernel prints them: {@code 8:1}. */
public record DeviceNumber(int major, int minor) {
  /** From a {@code dev_t} as stat(2) answers it. */
  public static DeviceNumber of(long encoded) {
    long major = encoded >>> 8 & 0xfff | encoded >>> 32 & ~0xfffL;
    long minor = encoded & 0xff | encoded >>> 12 & ~0xffL;
    return new DeviceNumber((int) major, (int) minor);
  }

  /** Empty where the text is not two numbers with a colon. */
  public static Optional<DeviceNumber> parse(String text) {
    int colon = text.indexOf(':');
    try {
      return colon < 0
          ? Optional.empty()
          : Optional.of(
              new DeviceNumber(
                  Integer.parseInt(text.substring(0, colon)),
                  Integer.parseInt(text.substring(colon + 1))));
    } catch (NumberFormatException notNumbers) {
      return Optional.empty();
    }
  }

  @Override
  public String toString() {
    return major + ":" + minor;
  }
}

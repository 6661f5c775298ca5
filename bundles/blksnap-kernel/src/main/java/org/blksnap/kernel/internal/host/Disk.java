// SPDX-License-Identifier: Apache-2.0
package org.blksnap.kernel.internal.host;

import java.nio.file.Path;

/**
 * A block device of this host.
 *
 * @param node where it is found
 * @param major number, with {@code minor} the same as long as the device is there
 * @param minor number
 */
public record Disk(Path node, int major, int minor) {
  /** {@code major:minor}. */
  public String number() {
    return major + ":" + minor;
  }

  public boolean is(Disk other) {
    return major == other.major && minor == other.minor;
  }
}

// SPDX-License-Identifier: Apache-2.0
package org.blksnap.kernel.internal.snapshot;

import org.blksnap.api.block.Errno;

/** Why the kernel gives an image up, in words. */
final class Loss {
  private Loss() {}

  static String words(Errno error) {
    return switch (error) {
      case ENOSPC ->
          "the difference storage was over, and no more was given in time;"
              + " give more next time, or a directory in which it grows";
      case ENODEV -> "the block device was removed, or another medium is in it";
      case ETIMEDOUT -> "the difference storage took nothing for too long";
      case EIO -> "old data was not read, or not stored";
      default -> "the kernel gave it up: " + error.text();
    };
  }
}

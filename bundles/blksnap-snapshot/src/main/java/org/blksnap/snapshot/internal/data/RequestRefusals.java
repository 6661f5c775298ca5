// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal.data;

import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;

/** What is said of requests to a device or an image that ask for what cannot be. */
final class RequestRefusals {
  private RequestRefusals() {}

  /** All in bytes. True also where the end cannot be counted. */
  static boolean outside(long offset, long length, long capacity) {
    return offset < 0 || length < 0 || offset > capacity - length;
  }

  /** {@code what} names the device or image. */
  static BlksnapException notInside(
      Errno error, String what, long offset, long length, long capacity) {
    return new BlksnapException(
        error,
        what
            + ": offset "
            + offset
            + " length "
            + length
            + " is not inside its "
            + capacity
            + " bytes");
  }

  static BlksnapException flags(String what, int flags, int allowed) {
    return new BlksnapException(
        Errno.EINVAL,
        what
            + ": flags 0x"
            + Integer.toHexString(flags)
            + " refused, allowed are 0x"
            + Integer.toHexString(allowed));
  }
}

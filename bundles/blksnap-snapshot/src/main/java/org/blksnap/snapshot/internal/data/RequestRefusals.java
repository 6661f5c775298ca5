// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal.data;

import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.block.IoFlags;

/** What is said of requests to a device or an image that ask for what cannot be. */
final class RequestRefusals {
  /** Flags that a write and a discard take. */
  static final IoFlags OF_A_WRITE = IoFlags.FUA.with(IoFlags.NO_WAIT);

  /** Flags that a write of zeroes takes. */
  static final IoFlags OF_ZEROES = OF_A_WRITE.with(IoFlags.NO_HOLE).with(IoFlags.FAST_ZERO);

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

  static BlksnapException flags(String what, IoFlags flags, IoFlags allowed) {
    return new BlksnapException(
        Errno.EINVAL, what + ": flags " + flags + " refused, allowed are " + allowed);
  }
}

// SPDX-License-Identifier: Apache-2.0
package org.blksnap.nbd.internal.protocol;

import org.blksnap.api.block.BlksnapException;

/** The eight error values NBD knows, and which of them stands for a failure here. */
public final class WireError {
  public static final int NONE = 0;
  public static final int EPERM = 1;
  public static final int EIO = 5;
  public static final int ENOMEM = 12;
  public static final int EINVAL = 22;
  public static final int ENOSPC = 28;
  public static final int EOVERFLOW = 75;
  public static final int ENOTSUP = 95;
  public static final int ESHUTDOWN = 108;

  private WireError() {}

  /**
   * The value for a failure of a command, whose errno {@link BlksnapException#errnoOf} knows.
   * ENOTSUP goes out for a fast zero alone, as the protocol demands.
   */
  public static int of(Throwable failure, boolean fastZero) {
    return switch (BlksnapException.errnoOf(failure)) {
      case EPERM, EACCES, EROFS -> EPERM;
      case ENOMEM -> ENOMEM;
      case EINVAL, ERANGE -> EINVAL;
      case ENOSPC, EFBIG -> ENOSPC;
      case EOPNOTSUPP, ENOSYS -> fastZero ? ENOTSUP : EIO;
      case ESHUTDOWN, ESTALE, ENODEV, ENXIO -> ESHUTDOWN;
      default -> EIO;
    };
  }
}

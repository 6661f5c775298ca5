// SPDX-License-Identifier: Apache-2.0
package org.blksnap.api.block;

/**
 * Flags of a request, a bit each; combined with {@code |}. Bits not named here are refused with
 * EINVAL.
 */
public final class IoFlags {
  /** Nothing special. */
  public static final int NONE = 0;

  /** Force unit access: the data is on stable storage when the call returns. */
  public static final int FUA = 1;

  /**
   * Never wait: answer EAGAIN where old data would have to be copied first or the device is held.
   */
  public static final int NO_WAIT = 1 << 1;

  /** write-zeroes only: leave the range allocated. */
  public static final int NO_HOLE = 1 << 2;

  /** write-zeroes only: answer EOPNOTSUPP at once where it would be no faster than writing. */
  public static final int FAST_ZERO = 1 << 3;

  private IoFlags() {}
}

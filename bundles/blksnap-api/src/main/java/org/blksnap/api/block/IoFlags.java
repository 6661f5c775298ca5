// SPDX-License-Identifier: Apache-2.0
package org.blksnap.api.block;

/**
 * Flags of a request. A device refuses with EINVAL what the call does not take; {@link BlockDevice}
 * says which call takes which. All combinations are made once and shared: none is made on the path
 * of a request, and equal ones are the same object.
 *
 * <p>Thread rule: immutable.
 */
public final class IoFlags {
  /** In the order of their bits. */
  private static final String[] NAMES = {"FUA", "NO_WAIT", "NO_HOLE", "FAST_ZERO"};

  /** By their bits. */
  private static final IoFlags[] SHARED = combinations();

  /** Nothing special. */
  public static final IoFlags NONE = SHARED[0];

  /** Force unit access: the data is on stable storage when the call returns. */
  public static final IoFlags FUA = SHARED[1];

  /**
   * Never wait: answer EAGAIN where old data would have to be copied first or the device is held.
   */
  public static final IoFlags NO_WAIT = SHARED[1 << 1];

  /** write-zeroes only: leave the range allocated. */
  public static final IoFlags NO_HOLE = SHARED[1 << 2];

  /** write-zeroes only: answer EOPNOTSUPP at once where it would be no faster than writing. */
  public static final IoFlags FAST_ZERO = SHARED[1 << 3];

  private final int bits;
  private final String names;

  private IoFlags(int bits) {
    this.bits = bits;
    this.names = names(bits);
  }

  private static IoFlags[] combinations() {
    IoFlags[] made = new IoFlags[1 << NAMES.length];
    for (int bits = 0; bits < made.length; bits++) {
      made[bits] = new IoFlags(bits);
    }
    return made;
  }

  private static String names(int bits) {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < NAMES.length; i++) {
      if ((bits & (1 << i)) != 0) {
        text.append(text.isEmpty() ? "" : "|").append(NAMES[i]);
      }
    }
    return text.isEmpty() ? "NONE" : text.toString();
  }

  /** These and the others. */
  public IoFlags with(IoFlags others) {
    return SHARED[bits | others.bits];
  }

  /** These without the others. */
  public IoFlags without(IoFlags others) {
    return SHARED[bits & ~others.bits];
  }

  /** True where all of the others are among these; so for {@link #NONE} always. */
  public boolean has(IoFlags others) {
    return (bits & others.bits) == others.bits;
  }

  /** True where each of these is among the allowed ones; so of {@link #NONE} always. */
  public boolean within(IoFlags allowed) {
    return (bits & ~allowed.bits) == 0;
  }

  /** The names of the constants, as {@code FUA|NO_WAIT}; {@code NONE} where there is none. */
  @Override
  public String toString() {
    return names;
  }
}

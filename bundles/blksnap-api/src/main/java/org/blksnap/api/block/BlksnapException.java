// SPDX-License-Identifier: Apache-2.0
package org.blksnap.api.block;

import java.io.IOException;
import java.util.Objects;

/**
 * A refusal or a failure, with its errno. The message says what was refused, the value, what is
 * allowed and what to do. An exception of this type means that no state was changed, unless the
 * method says otherwise.
 */
public class BlksnapException extends IOException {
  private static final long serialVersionUID = 1L;

  private final Errno errno;

  public BlksnapException(Errno errno, String message) {
    super(message);
    this.errno = Objects.requireNonNull(errno);
  }

  public BlksnapException(Errno errno, String message, Throwable cause) {
    super(message, cause);
    this.errno = Objects.requireNonNull(errno);
  }

  /** Never null, never {@link Errno#OK}. */
  public Errno errno() {
    return errno;
  }

  /** The message followed by the errno's symbol in brackets. */
  @Override
  public String toString() {
    return getMessage() + " [" + errno + "]";
  }

  /**
   * The errno of any failure, by the one table there is: its own for a {@link BlksnapException}; of
   * what {@code java.nio} and {@code java.io} throw, the one the system gave (a disk quota's end is
   * {@link Errno#ENOSPC}); {@link Errno#ENOMEM} of an {@link OutOfMemoryError}; {@link Errno#EIO}
   * otherwise. Any thread.
   */
  public static Errno errnoOf(Throwable failure) {
    return failure instanceof BlksnapException own ? own.errno() : SystemFailure.errno(failure);
  }
}

// SPDX-License-Identifier: Apache-2.0
package org.blksnap.diffstorage.internal;

import java.io.IOException;
import java.nio.file.Path;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;

/** From what Java throws to a sentence, with the errno {@link BlksnapException#errnoOf} finds. */
final class Failures {
  private Failures() {}

  /** {@code doing} is what failed, as in "opening it for reading and writing". */
  static BlksnapException of(IOException failure, Path path, String doing) {
    if (failure instanceof BlksnapException own) {
      return own;
    }
    return new BlksnapException(
        BlksnapException.errnoOf(failure), path + ": " + doing + " failed: " + failure, failure);
  }

  /**
   * True where there is no room for a file, or none for one so large; a quota's end is answered as
   * ENOSPC. Any other failure may pass.
   */
  static boolean noRoom(BlksnapException failure) {
    return failure.errno() == Errno.ENOSPC || failure.errno() == Errno.EFBIG;
  }
}

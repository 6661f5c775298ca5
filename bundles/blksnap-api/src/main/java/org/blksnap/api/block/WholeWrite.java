// SPDX-License-Identifier: Apache-2.0
package org.blksnap.api.block;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;

/** Writes all of a buffer to a channel that may take less at a time. No state. */
final class WholeWrite {
  /** Times in a row that a channel may take nothing. */
  static final int MOST_EMPTY = 100;

  /** Between two of them. */
  private static final long PAUSE_MILLIS = 5;

  private WholeWrite() {}

  /** EIO: the channel took nothing {@link #MOST_EMPTY} times in a row. EINTR: interrupted. */
  static void of(ByteBuffer bytes, WritableByteChannel target) throws IOException {
    int empty = 0;
    while (bytes.hasRemaining()) {
      if (target.write(bytes) > 0) {
        empty = 0;
      } else if (++empty < MOST_EMPTY) {
        pause();
      } else {
        throw new BlksnapException(
            Errno.EIO,
            "the target took none of "
                + bytes.remaining()
                + " bytes, "
                + MOST_EMPTY
                + " times in a row; give a channel that has room, and that blocks");
      }
    }
  }

  private static void pause() throws BlksnapException {
    try {
      Thread.sleep(PAUSE_MILLIS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new BlksnapException(
          Errno.EINTR, "interrupted while the target of a copy took nothing", e);
    }
  }
}

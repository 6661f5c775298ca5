// SPDX-License-Identifier: Apache-2.0
package org.blksnap.tracker.internal;

import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;

/**
 * Reads a map while it is being marked. What is read is of one epoch: where a take came in between,
 * it is read again.
 */
final class ChangeQuery {
  /** Takes that may come in between before the caller is told to come back. */
  static final int RETRY_LIMIT = 64;

  /** Where the present epoch comes from. */
  @FunctionalInterface
  interface Source {
    Epoch get() throws BlksnapException;
  }

  /** What is asked of one epoch; may be asked again. */
  @FunctionalInterface
  interface Question<T> {
    T ask(Epoch epoch) throws BlksnapException;
  }

  private ChangeQuery() {}

  static <T> T consistent(Source source, String device, Question<T> question)
      throws BlksnapException {
    for (int i = 0; i < RETRY_LIMIT; i++) {
      Epoch before = source.get();
      T answer;
      try {
        answer = question.ask(before);
      } catch (InternalError fault) {
        throw new BlksnapException(
            Errno.EIO, "change map of " + device + " could not be read", fault);
      }
      VarHandle.acquireFence();
      if (source.get() == before) {
        return answer;
      }
    }
    throw new BlksnapException(
        Errno.EAGAIN,
        "change map of "
            + device
            + ": "
            + RETRY_LIMIT
            + " takes came while it was read; ask again when they are fewer");
  }

  /** Fills the buffer anew each time it is asked; its position is moved once. */
  static int read(Epoch epoch, long index, ByteBuffer dst) throws BlksnapException {
    int count = epoch.info().blockCount();
    if (index < 0 || index > count) {
      throw new BlksnapException(
          Errno.EINVAL,
          "map offset " + index + " refused: the map has " + count + " bytes, 0 to " + count);
    }
    int length = (int) Math.min(dst.remaining(), count - index);
    int at = dst.position();
    int previous = epoch.previous();
    for (int i = 0; i < length; i++) {
      dst.put(at + i, (byte) epoch.table().value(index + i, previous));
    }
    return length;
  }
}

// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.dispatch;

import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * The memory of the program that called. An address is whatever that program gave: nothing is to be
 * believed of it, and it is unsigned. Thread rule: the thread that serves the call.
 */
public interface CallerMemory {
  /**
   * Fills the buffer from the caller's memory, all of it or an exception: EFAULT where a byte may
   * not be read, {@link CallerGone} where there is no caller any more. Then all of it remains, to
   * be read from its beginning.
   */
  void read(long address, ByteBuffer to) throws IOException;

  /**
   * Puts what remains in the buffer into the caller's memory; it is there when this returns.
   * EFAULT: a byte may not be written; earlier ones may have been. {@link CallerGone}: there is no
   * caller any more, and nothing says what has arrived.
   */
  void write(long address, ByteBuffer from) throws IOException;
}

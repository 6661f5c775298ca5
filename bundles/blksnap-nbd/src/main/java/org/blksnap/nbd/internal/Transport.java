// SPDX-License-Identifier: Apache-2.0
package org.blksnap.nbd.internal;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * A byte pipe to one client. One thread reads; any thread writes, whole buffers at a time; any
 * thread wakes or closes.
 */
interface Transport extends Closeable {
  /** Takes what is at hand: -1 at the end, 0 where there is nothing now. */
  int read(ByteBuffer dst) throws IOException;

  /** Waits for input, a wake-up or the time, whichever is first. */
  void awaitInput(long millis) throws IOException;

  /**
   * Writes all of the buffer. A client that takes nothing for {@link SocketTransport#STALL_MILLIS}
   * is given up with an exception.
   */
  void write(ByteBuffer src) throws IOException;

  /** Lets the present or next {@link #awaitInput} return at once. */
  void wakeup();

  /** Idempotent; never throws. */
  @Override
  void close();
}

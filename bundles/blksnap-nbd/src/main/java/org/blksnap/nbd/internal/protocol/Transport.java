// SPDX-License-Identifier: Apache-2.0
package org.blksnap.nbd.internal.protocol;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * A byte pipe to one client. One thread reads; any thread writes, whole buffers at a time; any
 * thread wakes or closes.
 */
public interface Transport extends Closeable {
  /** Waits for a client's input within a time of its own. */
  interface Wait {
    /** Throws where the time is over. */
    void input(Transport transport) throws IOException;
  }

  /** Takes what is at hand: -1 at the end, 0 where there is nothing now. */
  int read(ByteBuffer dst) throws IOException;

  /** Waits for input, a wake-up or the time, whichever is first. */
  void awaitInput(long millis) throws IOException;

  /**
   * Writes all of the buffer. A client that takes nothing for the time of {@link #patience} is
   * given up with an exception.
   */
  void write(ByteBuffer src) throws IOException;

  /** Keeps other writers out until {@link #release}, so that several buffers go as one. */
  void hold();

  /** Ends what {@link #hold} began. */
  void release();

  /** How long a write waits for a client that takes nothing; before the first use 60 s. */
  void patience(long stallMillis);

  /** Lets the present or next {@link #awaitInput} return at once. */
  void wakeup();

  /** Idempotent; never throws. */
  @Override
  void close();
}

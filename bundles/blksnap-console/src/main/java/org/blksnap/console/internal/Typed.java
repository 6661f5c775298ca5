// SPDX-License-Identifier: Apache-2.0
package org.blksnap.console.internal;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.util.ArrayDeque;

/**
 * What a client has typed and nobody has read yet. Who reads waits; who fills waits where {@link
 * #MAXIMUM_PIECES} are unread. Once closed, both are told at once: a reader by an error and not by
 * an end, since a pager takes an end for "nothing yet" and asks again for ever.
 */
final class Typed extends InputStream {
  static final int MAXIMUM_PIECES = 64;

  @GuardedBy("this")
  private final ArrayDeque<byte[]> pieces = new ArrayDeque<>();

  @GuardedBy("this")
  private byte[] current = new byte[0];

  @GuardedBy("this")
  private int next;

  @GuardedBy("this")
  private boolean closed;

  synchronized void add(byte[] piece) throws IOException {
    while (pieces.size() >= MAXIMUM_PIECES && !closed) {
      await();
    }
    if (!closed && piece.length > 0) {
      pieces.add(piece);
      notifyAll();
    }
  }

  @Override
  public synchronized int read() throws IOException {
    byte[] one = new byte[1];
    read(one, 0, 1);
    return one[0] & 0xff;
  }

  @Override
  public synchronized int read(byte[] into, int offset, int length) throws IOException {
    if (length == 0) {
      return 0;
    }
    while (next == current.length) {
      if (closed) {
        throw new IOException("the client is gone");
      }
      byte[] piece = pieces.poll();
      if (piece == null) {
        await();
      } else {
        current = piece;
        next = 0;
        notifyAll();
      }
    }
    int count = Math.min(length, current.length - next);
    System.arraycopy(current, next, into, offset, count);
    next += count;
    return count;
  }

  @Override
  public synchronized int available() {
    return current.length - next + pieces.stream().mapToInt(piece -> piece.length).sum();
  }

  private synchronized void await() throws IOException {
    try {
      wait();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("interrupted");
    }
  }

  @Override
  public synchronized void close() {
    closed = true;
    notifyAll();
  }
}

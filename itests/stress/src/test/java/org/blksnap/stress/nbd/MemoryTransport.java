// SPDX-License-Identifier: Apache-2.0
package org.blksnap.stress.nbd;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.locks.ReentrantLock;
import org.blksnap.nbd.internal.protocol.Transport;

/**
 * A client whose whole talk is known beforehand. It arrives in pieces as a network might deliver
 * it, ends, and whatever is answered until the server closes is kept.
 */
final class MemoryTransport implements Transport {
  private final byte[] input;
  private final int piece;
  private final Random random;
  private final ReentrantLock writing = new ReentrantLock();
  private int at;

  @GuardedBy("this")
  private byte[] output = new byte[4096];

  @GuardedBy("this")
  private int written;

  @GuardedBy("this")
  private boolean closed;

  /** What the client says, and in pieces of at most how many bytes. */
  MemoryTransport(byte[] says, int largestPiece, Random chance) {
    input = says;
    piece = largestPiece;
    random = chance;
  }

  synchronized ByteBuffer answered() {
    return ByteBuffer.wrap(output, 0, written).slice();
  }

  @Override
  public int read(ByteBuffer dst) {
    if (at == input.length) {
      return -1;
    }
    if (piece < input.length && random.nextInt(4) == 0) {
      return 0;
    }
    int count = Math.min(Math.min(input.length - at, dst.remaining()), 1 + random.nextInt(piece));
    dst.put(input, at, count);
    at += count;
    return count;
  }

  @Override
  public void awaitInput(long millis) {
    // There is always more, or the end.
  }

  @Override
  public void write(ByteBuffer src) throws IOException {
    writing.lock();
    try {
      append(src);
    } finally {
      writing.unlock();
    }
  }

  private synchronized void append(ByteBuffer src) throws IOException {
    if (closed) {
      throw new ClosedChannelException();
    }
    int count = src.remaining();
    if (written + count > output.length) {
      output = Arrays.copyOf(output, Math.max(output.length * 2, written + count));
    }
    src.get(output, written, count);
    written += count;
  }

  @Override
  public void hold() {
    writing.lock();
  }

  @Override
  public void release() {
    writing.unlock();
  }

  @Override
  public void patience(long stallMillis) {
    // It takes everything at once.
  }

  @Override
  public void wakeup() {
    // Nobody sleeps.
  }

  @Override
  public synchronized void close() {
    closed = true;
  }
}

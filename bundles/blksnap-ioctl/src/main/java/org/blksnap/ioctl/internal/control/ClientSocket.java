// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.control;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import org.blksnap.ioctl.internal.dispatch.CallerGone;

/**
 * Whole pieces to and from one client. While a piece is under way a deadline stands; whoever looks
 * after all clients closes the socket of one that has passed it ({@link #dropIfLate}), which ends
 * the thread's read or write.
 *
 * <p>Thread rule: one thread reads and writes; {@link #dropIfLate} and {@link #close} are for any.
 */
final class ClientSocket implements AutoCloseable {
  /** No piece is under way. */
  private static final long REST = Long.MAX_VALUE;

  private final SocketChannel channel;
  private final long stallNanos;

  /** By {@link System#nanoTime} from {@link #begun} on. */
  private volatile long late = REST;

  private final long begun = System.nanoTime();

  /**
   * @param stall how long one piece may take
   */
  ClientSocket(SocketChannel channel, Duration stall) {
    this.channel = channel;
    stallNanos = stall.toNanos();
  }

  private long now() {
    return System.nanoTime() - begun;
  }

  /** Fills the buffer. {@link CallerGone}: it ends before that. */
  void read(ByteBuffer to) throws CallerGone {
    late = now() + stallNanos;
    try {
      while (to.hasRemaining()) {
        if (channel.read(to) < 0) {
          throw new CallerGone("the client has closed its connection");
        }
      }
    } catch (CallerGone e) {
      throw e;
    } catch (IOException e) {
      throw new CallerGone(e);
    } finally {
      late = REST;
    }
  }

  /** All that remains in the buffers. */
  void write(ByteBuffer... from) throws CallerGone {
    late = now() + stallNanos;
    try {
      ByteBuffer last = from[from.length - 1];
      while (last.hasRemaining()) {
        channel.write(from);
      }
    } catch (IOException e) {
      throw new CallerGone(e);
    } finally {
      late = REST;
    }
  }

  /**
   * Whether the client is still there, without waiting; it has nothing to say now.
   *
   * @throws CallerGone it is not, or it says something all the same
   */
  void checkSilent() throws CallerGone {
    try {
      channel.configureBlocking(false);
      int read = channel.read(ByteBuffer.allocate(1));
      channel.configureBlocking(true);
      if (read != 0) {
        throw new CallerGone("the client has closed its connection, or speaks out of turn");
      }
    } catch (CallerGone e) {
      throw e;
    } catch (IOException e) {
      throw new CallerGone(e);
    }
  }

  /** Closes it where a piece has been under way for too long; answers whether. */
  boolean dropIfLate() {
    if (now() < late) {
      return false;
    }
    close();
    return true;
  }

  @Override
  public void close() {
    try {
      channel.close();
    } catch (IOException e) {
      // It is given up either way.
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
package org.blksnap.nbd.internal.session;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.util.concurrent.locks.ReentrantLock;
import org.blksnap.nbd.internal.protocol.Transport;

/**
 * A socket, non-blocking, so that a reader can be called away without closing it: that is what lets
 * a connection outlive the bundle. Selectors are asked only when a read or write moved nothing.
 */
public final class SocketTransport implements Transport {
  private final SocketChannel channel;
  private final Selector input;
  private final ReentrantLock writing = new ReentrantLock();

  /** Made by the first writer that has to wait, under {@code writing}. */
  private volatile Selector output;

  private volatile long stallMillis = Limits.DEFAULTS.stallSeconds() * 1000L;

  /** Where it fails nothing is left open but the channel itself. */
  public SocketTransport(SocketChannel channel) throws IOException {
    this.channel = channel;
    channel.configureBlocking(false);
    this.input = selector(channel, SelectionKey.OP_READ);
  }

  private static Selector selector(SocketChannel channel, int operation) throws IOException {
    Selector made = Selector.open();
    boolean registered = false;
    try {
      channel.register(made, operation);
      registered = true;
      return made;
    } finally {
      if (!registered) {
        made.close();
      }
    }
  }

  @Override
  public void patience(long millis) {
    stallMillis = millis;
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
  public int read(ByteBuffer dst) throws IOException {
    return channel.read(dst);
  }

  @Override
  public void awaitInput(long millis) throws IOException {
    input.select(key -> {}, Math.max(millis, 1));
  }

  @Override
  public void write(ByteBuffer src) throws IOException {
    writing.lock();
    try {
      while (src.hasRemaining()) {
        if (channel.write(src) == 0) {
          awaitOutputLocked();
        }
      }
    } finally {
      writing.unlock();
    }
  }

  /** Writes what fits without waiting. */
  void writeNow(ByteBuffer src) throws IOException {
    channel.write(src);
  }

  @GuardedBy("writing")
  private void awaitOutputLocked() throws IOException {
    Selector waiting = output;
    if (waiting == null) {
      waiting = selector(channel, SelectionKey.OP_WRITE);
      output = waiting;
    }
    long bound = stallMillis;
    if (waiting.select(key -> {}, Math.max(bound, 1)) == 0) {
      throw new IOException("client took no reply bytes for " + bound + " ms");
    }
  }

  @Override
  public void wakeup() {
    input.wakeup();
  }

  /** Takes the channel out of this transport, open and registered nowhere. */
  SocketChannel detach() throws IOException {
    closeSelectors();
    return channel;
  }

  @Override
  public void close() {
    try {
      channel.close();
    } catch (IOException e) {
      // The descriptor is gone either way.
    }
    closeSelectors();
  }

  /** Takes no lock: a stalled writer holds it, and is woken by this. */
  private void closeSelectors() {
    try {
      input.close();
      Selector waiting = output;
      if (waiting != null) {
        waiting.close();
      }
    } catch (IOException e) {
      // Nothing is left to undo.
    }
  }
}

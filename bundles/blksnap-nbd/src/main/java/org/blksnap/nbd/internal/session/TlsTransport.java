// SPDX-License-Identifier: Apache-2.0
package org.blksnap.nbd.internal.session;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLEngineResult;
import javax.net.ssl.SSLEngineResult.HandshakeStatus;
import javax.net.ssl.SSLException;
import org.blksnap.nbd.internal.protocol.PeerGone;
import org.blksnap.nbd.internal.protocol.ProtocolViolation;
import org.blksnap.nbd.internal.protocol.Transport;

/**
 * TLS over a socket, by an {@link SSLEngine}: the reader unwraps, writers wrap under a lock. Both
 * directions may run at once, as the engine allows.
 *
 * <p>Invariant between two reads: {@code network} holds received records not yet opened, {@code
 * plain} opened bytes not yet taken; both are ready to be read from.
 */
final class TlsTransport implements Transport {
  /** Bytes of all its buffers, at most: two records each way, twice. */
  static final long BUFFER_BYTES = 160L << 10;

  private final SocketTransport socket;
  private final SSLEngine engine;
  private final ReentrantLock wrapping = new ReentrantLock();
  private final ByteBuffer network;
  private final ByteBuffer plain;

  @GuardedBy("wrapping")
  private final ByteBuffer sealed;

  TlsTransport(SocketTransport socket, SSLEngine engine) {
    this.socket = socket;
    this.engine = engine;
    int packet = engine.getSession().getPacketBufferSize();
    this.network = ByteBuffer.allocateDirect(packet * 2).limit(0);
    this.sealed = ByteBuffer.allocateDirect(packet * 4);
    this.plain = ByteBuffer.allocate(engine.getSession().getApplicationBufferSize() * 2).limit(0);
  }

  /** Goes on where a predecessor stopped. */
  static TlsTransport resume(SocketTransport socket, Map<?, ?> state) {
    TlsTransport tls = new TlsTransport(socket, (SSLEngine) state.get("engine"));
    tls.network.clear().put((byte[]) state.get("network")).flip();
    tls.plain.clear().put((byte[]) state.get("plain")).flip();
    return tls;
  }

  /** The engine and what lies in the buffers, as JDK types. Only at rest. */
  Map<String, Object> state() {
    Map<String, Object> state = new LinkedHashMap<>();
    state.put("engine", engine);
    state.put("network", bytes(network));
    state.put("plain", bytes(plain));
    return state;
  }

  private static byte[] bytes(ByteBuffer buffer) {
    byte[] bytes = new byte[buffer.remaining()];
    buffer.get(bytes);
    return bytes;
  }

  SocketTransport socket() {
    return socket;
  }

  /** The first handshake, to its end; {@code wait} bounds its time. */
  void handshake(Wait wait) throws IOException {
    engine.beginHandshake();
    while (true) {
      switch (engine.getHandshakeStatus()) {
        case NEED_WRAP -> sendHandshake();
        case NEED_TASK -> runTasks();
        case NEED_UNWRAP, NEED_UNWRAP_AGAIN -> {
          SSLEngineResult result = unwrap();
          if (result.getStatus() == SSLEngineResult.Status.CLOSED) {
            throw new ProtocolViolation("client closed TLS in its handshake");
          }
          if (result.getStatus() == SSLEngineResult.Status.BUFFER_UNDERFLOW) {
            int got = receive();
            if (got < 0) {
              throw new PeerGone(new EOFException("client left in the TLS handshake"));
            }
            if (got == 0) {
              wait.input(socket);
            }
          }
        }
        default -> {
          return;
        }
      }
    }
  }

  @Override
  public int read(ByteBuffer dst) throws IOException {
    while (!plain.hasRemaining()) {
      SSLEngineResult result = unwrap();
      if (result.getStatus() == SSLEngineResult.Status.CLOSED) {
        return -1;
      }
      if (result.getHandshakeStatus() == HandshakeStatus.NEED_TASK) {
        runTasks();
      } else if (result.getHandshakeStatus() == HandshakeStatus.NEED_WRAP) {
        sendHandshake();
      }
      if (result.getStatus() == SSLEngineResult.Status.BUFFER_UNDERFLOW) {
        int got = receive();
        if (got <= 0) {
          return got;
        }
      }
    }
    int length = Math.min(plain.remaining(), dst.remaining());
    dst.put(plain.slice(plain.position(), length));
    plain.position(plain.position() + length);
    return length;
  }

  private int receive() throws IOException {
    network.compact();
    try {
      return socket.read(network);
    } finally {
      network.flip();
    }
  }

  private SSLEngineResult unwrap() throws IOException {
    plain.compact();
    try {
      return engine.unwrap(network, plain);
    } catch (SSLException e) {
      throw new ProtocolViolation("TLS: " + e.getMessage());
    } finally {
      plain.flip();
    }
  }

  private void runTasks() {
    for (Runnable task = engine.getDelegatedTask();
        task != null;
        task = engine.getDelegatedTask()) {
      task.run();
    }
  }

  private void sendHandshake() throws IOException {
    wrapping.lock();
    try {
      wrapLocked(ByteBuffer.allocate(0));
      sendLocked();
    } finally {
      wrapping.unlock();
    }
  }

  @Override
  public void write(ByteBuffer src) throws IOException {
    wrapping.lock();
    try {
      while (src.hasRemaining()) {
        if (sealed.remaining() < sealed.capacity() / 4) {
          sendLocked();
        }
        wrapLocked(src);
      }
      sendLocked();
    } finally {
      wrapping.unlock();
    }
  }

  @GuardedBy("wrapping")
  private void wrapLocked(ByteBuffer src) throws IOException {
    SSLEngineResult result = engine.wrap(src, sealed);
    switch (result.getStatus()) {
      case BUFFER_OVERFLOW -> sendLocked();
      case CLOSED -> {
        if (src.hasRemaining()) {
          throw new IOException("TLS is closed");
        }
      }
      default -> {}
    }
  }

  @GuardedBy("wrapping")
  private void sendLocked() throws IOException {
    sealed.flip();
    try {
      socket.write(sealed);
    } finally {
      sealed.clear();
    }
  }

  @Override
  public void hold() {
    wrapping.lock();
  }

  @Override
  public void release() {
    wrapping.unlock();
  }

  @Override
  public void patience(long stallMillis) {
    socket.patience(stallMillis);
  }

  @Override
  public void awaitInput(long millis) throws IOException {
    socket.awaitInput(millis);
  }

  @Override
  public void wakeup() {
    socket.wakeup();
  }

  /** Says goodbye where that does not wait, then closes. */
  @Override
  public void close() {
    if (wrapping.tryLock()) {
      try {
        engine.closeOutbound();
        sealed.clear();
        engine.wrap(ByteBuffer.allocate(0), sealed);
        socket.writeNow(sealed.flip());
      } catch (IOException e) {
        // The client is gone already.
      } finally {
        wrapping.unlock();
      }
    }
    socket.close();
  }
}

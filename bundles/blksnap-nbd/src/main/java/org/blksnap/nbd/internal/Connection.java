// SPDX-License-Identifier: Apache-2.0
package org.blksnap.nbd.internal;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One client, on one thread of its own: negotiation, then transmission, then the end.
 *
 * <p>Ends: the client leaves; something fails, which costs this client its connection and nobody
 * else anything; or the server stops, then the connection comes to rest between two requests and is
 * parked, its socket open. A connection still negotiating is not parked but closed, after {@link
 * #NEGOTIATION_GRACE_MILLIS}.
 */
final class Connection implements Runnable {
  static final long NEGOTIATION_GRACE_MILLIS = 200;

  private static final Logger LOG = LoggerFactory.getLogger(Connection.class);
  private static final RateLimit WARNINGS = new RateLimit(60);

  private final NbdServer server;
  private final String listener;
  private final TlsIdentity tls;
  private final Parcel resumed;
  private final Limits limits;
  private final long stallsAt;

  private volatile Transport transport;
  private volatile Session session;
  private volatile boolean stopping;
  private volatile long stopsAt;
  private volatile Parcel parcel;

  /** A client just accepted; {@code tls} is null on a plain listener. */
  Connection(
      NbdServer server, String listener, Transport transport, TlsIdentity tls, Limits limits) {
    this(server, listener, transport, tls, null, limits);
  }

  /** A client that was parked. */
  Connection(NbdServer server, Parcel parked, Transport transport, Limits limits) {
    this(server, parked.listener(), transport, null, parked, limits);
  }

  private Connection(
      NbdServer server,
      String listener,
      Transport transport,
      TlsIdentity tls,
      Parcel resumed,
      Limits limits) {
    this.server = server;
    this.listener = listener;
    this.transport = transport;
    this.tls = tls;
    this.resumed = resumed;
    this.limits = limits;
    this.stallsAt = System.nanoTime() + limits.handshakeSeconds() * 1_000_000_000L;
  }

  /** Name of the export, empty while negotiating. */
  String export() {
    Session now = session;
    return now == null ? "" : now.target().name();
  }

  @Override
  public void run() {
    try {
      serve();
      LOG.debug("client of {} at {} done", export(), listener);
    } catch (ProtocolViolation e) {
      complain(e);
    } catch (IOException e) {
      LOG.debug("client of {} at {} gone: {}", export(), listener, e.toString());
    } catch (RuntimeException | Error e) {
      complain(e);
    } finally {
      if (parcel == null) {
        transport.close();
      }
      server.ended(this);
    }
  }

  private void complain(Throwable cause) {
    LOG.debug("client at {} dropped", listener, cause);
    long before = WARNINGS.pass();
    if (before >= 0) {
      LOG.warn("client at {} dropped: {} ({} more kept back)", listener, cause.toString(), before);
    }
  }

  private void serve() throws IOException {
    BufferPool buffers = server.buffers();
    ByteBuffer in = buffers.take(Transmission.INPUT_BYTES);
    ByteBuffer out = null;
    try (ContextBudget.Share share = server.contexts().share()) {
      out = buffers.take(Transmission.OUTPUT_BYTES);
      if (resumed != null) {
        in.put(resumed.input());
      }
      in.flip();
      Optional<Session> agreed = resumed != null ? resume(share) : negotiate(share, in, out);
      if (agreed.isPresent()) {
        session = agreed.get();
        transmit(in, out);
      }
    } finally {
      buffers.give(in);
      if (out != null) {
        buffers.give(out);
      }
    }
  }

  private Optional<Session> resume(ContextBudget.Share share) {
    share.adopt(resumed.contexts().stream().mapToLong(MetaContext::bytes).sum());
    return resumed.session(server.exports());
  }

  private Optional<Session> negotiate(ContextBudget.Share share, ByteBuffer in, ByteBuffer out)
      throws IOException {
    Handshake handshake =
        new Handshake(
            transport,
            server.exports(),
            limits,
            tls == null ? null : this::secure,
            this::awaitHandshake,
            share,
            in,
            out);
    return handshake.negotiate();
  }

  private Transport secure(Transport plain) throws IOException {
    TlsTransport secured = new TlsTransport((SocketTransport) plain, tls.engine());
    transport = secured;
    secured.handshake(this::awaitHandshake);
    return secured;
  }

  private void awaitHandshake(Transport from) throws IOException {
    long now = System.nanoTime();
    if (now - stallsAt >= 0) {
      throw new ProtocolViolation("handshake took over " + limits.handshakeSeconds() + " s");
    }
    if (stopping && now - stopsAt >= 0) {
      throw new PeerGone(new IOException("server stops during the handshake"));
    }
    long end = stopping ? stopsAt : stallsAt;
    from.awaitInput((end - now) / 1_000_000);
  }

  private void transmit(ByteBuffer in, ByteBuffer out) throws IOException {
    Session agreed = session;
    Transport pipe = transport;
    ExportHandle handle = new ExportHandle(server.exports(), agreed.target());
    Commands commands = new Commands(agreed, handle, server.buffers(), limits.maximumRequest());
    Workers workers =
        new Workers(
            Thread.currentThread().getName(),
            commands,
            pipe,
            agreed.mode(),
            server.buffers(),
            Transmission.CHUNK_BYTES,
            limits.maximumInFlight());
    try {
      Transmission transmission =
          new Transmission(
              pipe,
              agreed,
              commands,
              workers,
              new ReplyWriter(pipe, out, agreed.mode()),
              in,
              limits.maximumRequest(),
              () -> stopping);
      if (transmission.run() == Transmission.Ending.PARKED) {
        byte[] unread = new byte[in.remaining()];
        in.get(unread);
        parcel = Parcel.of(listener, pipe, agreed, unread);
      }
    } finally {
      workers.close();
    }
  }

  /** Asks the connection to come to rest; its thread ends soon after. */
  void park() {
    stopsAt = System.nanoTime() + NEGOTIATION_GRACE_MILLIS * 1_000_000;
    stopping = true;
    transport.wakeup();
  }

  /** What to go on with, once its thread has ended; empty where it was not parked. */
  Optional<Parcel> parcel() {
    return Optional.ofNullable(parcel);
  }

  /** Ends it at once. */
  void close() {
    transport.close();
  }
}

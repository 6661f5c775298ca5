// SPDX-License-Identifier: Apache-2.0
package org.blksnap.nbd.internal.session;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.util.Optional;
import java.util.function.Consumer;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.BlockDevice;
import org.blksnap.api.block.Errno;
import org.blksnap.nbd.internal.export.ContextBudget;
import org.blksnap.nbd.internal.export.MetaContext;
import org.blksnap.nbd.internal.export.OpenExport;
import org.blksnap.nbd.internal.protocol.PeerGone;
import org.blksnap.nbd.internal.protocol.ProtocolViolation;
import org.blksnap.nbd.internal.protocol.ReplyWriter;
import org.blksnap.nbd.internal.protocol.Transport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One client, on one thread of its own: negotiation, then transmission, then the end.
 *
 * <p>Ends: the client leaves; something fails, which costs this client its connection and nobody
 * else anything; or the server stops, then the connection comes to rest and is parked, its socket
 * open. At rest means: negotiated, and nothing under way but a payload that is still arriving. A
 * connection that is not at rest in time is not cut: it goes on by itself until it is, and follows
 * ({@link Stragglers}).
 */
public final class Connection implements Runnable {
  private static final Logger LOG = LoggerFactory.getLogger(Connection.class);
  private static final RateLimit WARNINGS = new RateLimit(60);

  private final Shared shared;
  private final Door door;
  private final Parcel resumed;
  private final Limits limits;
  private final Consumer<Connection> lastAct;
  private final OpenExport export;

  /** What the client may still take of the handshake; the time that the server takes is not its. */
  private long handshakeLeft;

  private volatile Transport transport;
  private volatile Session session;
  private volatile boolean stopping;
  private volatile Parcel parcel;

  /** The way to follow by, once the server went without it. */
  @GuardedBy("this")
  private Stragglers late;

  @GuardedBy("this")
  private boolean over;

  /**
   * {@code resumed} is null for a new client. {@code lastAct} is called by the connection's thread
   * when nothing of it is left to do here.
   */
  public Connection(
      Shared shared,
      Door door,
      Transport transport,
      Parcel resumed,
      Limits limits,
      Consumer<Connection> lastAct) {
    this.shared = shared;
    this.door = door;
    this.transport = transport;
    this.resumed = resumed;
    this.limits = limits;
    this.lastAct = lastAct;
    this.export = new OpenExport(shared.exports());
    this.handshakeLeft = limits.handshakeSeconds() * 1_000_000_000L;
  }

  /** Name of the export, empty while negotiating. */
  public String export() {
    Session now = session;
    return now == null ? "" : now.target().name();
  }

  @Override
  public void run() {
    try {
      serve();
      LOG.debug("client of {} at {} done", export(), door.address());
    } catch (ProtocolViolation | BlksnapException e) {
      complain(e);
    } catch (IOException e) {
      LOG.debug("client of {} at {} gone: {}", export(), door.address(), e.toString());
    } catch (RuntimeException | Error e) {
      complain(e);
    } finally {
      end();
    }
  }

  private void end() {
    Parcel parked = parcel;
    if (parked == null) {
      transport.close();
    }
    export.close();
    Stragglers follow;
    synchronized (this) {
      over = true;
      follow = late;
    }
    lastAct.accept(this);
    if (follow == null) {
      return;
    }
    if (parked == null) {
      follow.ended();
    } else if (!follow.deliver(parked)) {
      parked.drop();
    }
  }

  /** True where it has ended; else it is left behind and follows when it is at rest. */
  public synchronized boolean endedElseFollow(Stragglers way) {
    if (!over) {
      late = way;
      way.expect();
    }
    return over;
  }

  private void complain(Throwable cause) {
    LOG.debug("client at {} dropped", door.address(), cause);
    long before = WARNINGS.pass();
    if (before >= 0) {
      LOG.warn(
          "client at {} dropped: {} ({} more kept back)", door.address(), cause.toString(), before);
    }
  }

  private void serve() throws IOException {
    try (BufferPool.Account buffers = shared.buffers().open();
        ContextBudget.Share share = shared.contexts().share()) {
      int size = shared.buffers().standingBytes(limits.maximumConnections());
      byte[] received = resumed == null ? new byte[0] : resumed.input();
      ByteBuffer in = buffers.stand(Math.max(size, received.length));
      ByteBuffer out = buffers.stand(size);
      if (door.tls() != null || transport instanceof TlsTransport) {
        buffers.count(TlsTransport.BUFFER_BYTES);
      }
      in.put(received).flip();
      transport.patience(limits.handshakeSeconds() * 1000L);
      Optional<Session> agreed = resumed != null ? resume(share) : negotiate(share, in, out);
      if (agreed.isPresent()) {
        session = agreed.get();
        transport.patience(limits.stallSeconds() * 1000L);
        transmit(buffers, in, out);
      }
    }
  }

  private Optional<Session> resume(ContextBudget.Share share) throws IOException {
    share.adopt(resumed.contexts().stream().mapToLong(MetaContext::bytes).sum());
    Optional<Session> session = resumed.session(export);
    if (session.isEmpty()) {
      throw new BlksnapException(Errno.ESHUTDOWN, resumed.words() + " did not come back");
    }
    return session;
  }

  private Optional<Session> negotiate(ContextBudget.Share share, ByteBuffer in, ByteBuffer out)
      throws IOException {
    Handshake handshake =
        new Handshake(
            transport,
            shared.exports(),
            export,
            door.access(),
            limits,
            door.tls() == null ? null : this::secure,
            this::awaitHandshake,
            share,
            in,
            out);
    return handshake.negotiate();
  }

  private Transport secure(Transport plain) throws IOException {
    TlsTransport secured = new TlsTransport((SocketTransport) plain, door.tls().engine());
    transport = secured;
    secured.handshake(this::awaitHandshake);
    return secured;
  }

  private void awaitHandshake(Transport from) throws IOException {
    if (handshakeLeft <= 0) {
      throw new ProtocolViolation("handshake took over " + limits.handshakeSeconds() + " s");
    }
    long begun = System.nanoTime();
    try {
      from.awaitInput(handshakeLeft / 1_000_000 + 1);
    } finally {
      handshakeLeft -= System.nanoTime() - begun;
    }
  }

  private void transmit(BufferPool.Account buffers, ByteBuffer in, ByteBuffer out)
      throws IOException {
    Session agreed = session;
    Transport pipe = transport;
    BlockDevice device = export.follow(agreed.target());
    Commands commands = new Commands(agreed, device, buffers, limits.maximumRequest());
    Workers workers =
        new Workers(
            Thread.currentThread().getName(),
            commands,
            pipe,
            agreed.mode(),
            buffers,
            Commands.CHUNK_BYTES,
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
              limits,
              resumed == null ? null : resumed.longWrite(),
              () -> stopping);
      if (transmission.run() == Transmission.Ending.PARKED) {
        byte[] unread = new byte[in.remaining()];
        in.get(unread);
        export.retire();
        Parcel parked = Parcel.of(door.address(), pipe, agreed, unread, transmission.underWay());
        if (!parked.channel().isOpen()) {
          throw new PeerGone(new ClosedChannelException());
        }
        parcel = parked;
      }
    } finally {
      workers.close();
    }
  }

  /** Asks the connection to come to rest; its thread ends soon after. */
  public void park() {
    stopping = true;
    transport.wakeup();
  }

  /** What to go on with, once its thread has ended; empty where it was not parked. */
  public Optional<Parcel> parcel() {
    return Optional.ofNullable(parcel);
  }

  /** Ends it at once. */
  public void close() {
    transport.close();
  }
}

// SPDX-License-Identifier: Apache-2.0
package org.blksnap.nbd.internal.server;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.io.IOException;
import java.nio.channels.Channel;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import org.blksnap.api.block.Geometry;
import org.blksnap.api.export.Export;
import org.blksnap.nbd.internal.export.Access;
import org.blksnap.nbd.internal.export.ContextBudget;
import org.blksnap.nbd.internal.export.Exports;
import org.blksnap.nbd.internal.export.Target;
import org.blksnap.nbd.internal.protocol.Transport;
import org.blksnap.nbd.internal.session.BufferPool;
import org.blksnap.nbd.internal.session.Connection;
import org.blksnap.nbd.internal.session.Door;
import org.blksnap.nbd.internal.session.Limits;
import org.blksnap.nbd.internal.session.Parcel;
import org.blksnap.nbd.internal.session.RateLimit;
import org.blksnap.nbd.internal.session.Shared;
import org.blksnap.nbd.internal.session.SocketTransport;
import org.blksnap.nbd.internal.session.Stragglers;
import org.blksnap.nbd.internal.session.TlsIdentity;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The listeners and connections of one NBD server.
 *
 * <p>States: open, then closed for good, by {@link #close} (clients are dropped) or {@link #park}
 * (clients come to rest, everything stays connected and is handed out as plain JDK types). {@link
 * #adopt} takes what a predecessor parked; it comes before {@link #listen}, because a socket that
 * was adopted is not bound again.
 */
public final class NbdServer implements AutoCloseable {
  private static final long LATE_POLL_MILLIS = 100;

  private static final Logger LOG = LoggerFactory.getLogger(NbdServer.class);
  private static final RateLimit WARNINGS = new RateLimit(60);

  private final Shared shared;
  private final Admission admission;
  private final Clients clients = new Clients();
  private final AtomicInteger turnaways = new AtomicInteger();
  private volatile Limits limits;
  private volatile boolean closed;

  @GuardedBy("this")
  private final Map<String, Listener> listeners = new LinkedHashMap<>();

  @GuardedBy("this")
  private final Map<String, ServerSocketChannel> adopted = new LinkedHashMap<>();

  @GuardedBy("this")
  private Stragglers stragglers = new Stragglers();

  @GuardedBy("this")
  private Thread receiver;

  public NbdServer(Exports exports, Limits limits) {
    this(
        exports,
        limits,
        new ContextBudget(ContextBudget.ofHeap()),
        new BufferPool(BufferPool.ofDirectMemory()));
  }

  public NbdServer(Exports exports, Limits limits, ContextBudget contexts, BufferPool buffers) {
    this.shared = new Shared(exports, buffers, contexts);
    this.admission = new Admission(buffers);
    limits(limits);
  }

  public Shared shared() {
    return shared;
  }

  Admission admission() {
    return admission;
  }

  Limits limits() {
    return limits;
  }

  public void begun(Runnable told) {
    clients.begun(told);
  }

  /** New bounds, for connections accepted from now on. */
  public void limits(Limits next) {
    limits = next;
    shared.exports().sources().most(next.maximumSources());
  }

  public void listen(ListenAddress address, TlsIdentity tls) throws IOException {
    listen(address, tls, Access.ALL);
  }

  /**
   * Begins to listen; where it listens there already, new clients get this {@code tls}, which may
   * be null, and this {@code access}.
   */
  public synchronized void listen(ListenAddress address, TlsIdentity tls, Access access)
      throws IOException {
    String key = address.key();
    Listener present = listeners.get(key);
    if (closed || present != null) {
      if (present != null) {
        present.admit(tls, access);
      }
      return;
    }
    ServerSocketChannel inherited = adopted.remove(key);
    listeners.put(
        key,
        inherited == null
            ? Listener.open(address, tls, access, this::accepted)
            : Listener.adopt(address, tls, access, inherited, this::accepted));
  }

  /** Stops listening everywhere but at these addresses; connections stay. */
  public synchronized void keepOnly(List<ListenAddress> addresses) {
    List<String> keys = addresses.stream().map(ListenAddress::key).toList();
    listeners
        .entrySet()
        .removeIf(
            entry -> {
              boolean drop = !keys.contains(entry.getKey());
              if (drop) {
                entry.getValue().close();
              }
              return drop;
            });
    forgetAdopted();
  }

  /** Closes sockets of a predecessor that nobody listens on any more, so that no client queues. */
  public synchronized void forgetAdopted() {
    adopted.values().forEach(NbdServer::closeQuietly);
    adopted.clear();
  }

  public synchronized List<Listener> listeners() {
    return List.copyOf(listeners.values());
  }

  public int connectionCount() {
    return admission.count();
  }

  private void accepted(Listener listener, SocketChannel client) {
    Limits now = limits;
    Peer peer = null;
    boolean begun = false;
    try {
      peer = Peer.of(client);
      String refusal = closed ? "the server stops" : admission.enter(peer, now);
      if (!refusal.isEmpty()) {
        peer = null;
        warn(refusal);
        begun = Turnaway.begin(client, refusal, turnaways);
        return;
      }
      peer.tune(client, now);
      begin(listener.door(), peer, new SocketTransport(client), null, now);
      begun = true;
    } catch (IOException | RuntimeException | OutOfMemoryError e) {
      warn(e.toString());
    } finally {
      if (!begun) {
        closeQuietly(client);
        if (peer != null) {
          admission.leave(peer);
        }
      }
    }
  }

  private static void warn(String refusal) {
    long before = WARNINGS.pass();
    if (before >= 0) {
      LOG.warn("client refused: {} ({} more kept back)", refusal, before);
    }
  }

  private void begin(Door door, Peer peer, Transport pipe, Parcel resumed, Limits now) {
    clients.start(new Connection(shared, door, pipe, resumed, now, over -> ended(over, peer)));
  }

  private void ended(Connection connection, Peer peer) {
    clients.ended(connection);
    admission.leave(peer);
  }

  /** What is served now, in order of names. */
  public List<Export> served() {
    List<Listener> now = listeners();
    List<Export> served = new ArrayList<>();
    for (Target target : shared.exports().all()) {
      Optional<Geometry> geometry = target.geometry();
      boolean readOnly =
          geometry.map(Geometry::readOnly).orElse(true)
              || (target.image() && limits.imagesReadOnly());
      String uri = now.isEmpty() ? "" : now.get(0).uri(target.name());
      served.add(
          new Export(
              target.name(),
              target.kind(),
              geometry.map(Geometry::capacity).orElse(-1L),
              readOnly,
              uri,
              clients.of(target.name())));
    }
    return served;
  }

  /**
   * Goes on with what a predecessor parked. Connections whose export does not come back are closed;
   * the wait for it is on their own threads.
   */
  public void adopt(Map<?, ?> left) {
    left.forEach(
        (key, value) -> {
          String name = String.valueOf(key);
          if (name.startsWith(LISTENER) && value instanceof ServerSocketChannel channel) {
            synchronized (this) {
              adopted.put(name.substring(LISTENER.length()), channel);
            }
          } else if (name.startsWith(Parcel.CHANNEL) && value instanceof SocketChannel channel) {
            resume(channel, left.get(Parcel.STATE + name.substring(Parcel.CHANNEL.length())));
          }
        });
    receive(Stragglers.of(left));
  }

  private void resume(SocketChannel channel, Object state) {
    Peer peer = null;
    Transport pipe = null;
    boolean begun = false;
    try {
      Optional<Parcel> parcel = Parcel.of(channel, state);
      if (parcel.isEmpty()) {
        LOG.warn("a parked client was dropped: what was left of it is of another version");
        return;
      }
      pipe = parcel.get().transport();
      peer = Peer.of(channel);
      admission.adopt(peer);
      peer.tune(channel, limits);
      Door door = new Door(parcel.get().listener(), Access.ALL, null);
      begin(door, peer, pipe, parcel.get(), limits);
      begun = true;
    } catch (IOException | RuntimeException | OutOfMemoryError e) {
      LOG.warn("a parked client was dropped: {}", e.toString());
    } finally {
      if (!begun) {
        if (pipe != null) {
          pipe.close();
        }
        closeQuietly(channel);
        if (peer != null) {
          admission.leave(peer);
        }
      }
    }
  }

  /** Goes on with those that were not at rest when the predecessor was parked, as they come. */
  private synchronized void receive(Stragglers coming) {
    stragglers = coming;
    if (coming.expected() == 0) {
      return;
    }
    receiver =
        new Thread(
            () -> {
              try {
                while (!closed && coming.expected() > 0) {
                  coming.receive(LATE_POLL_MILLIS, this::resume);
                }
              } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
              }
            },
            "nbd-late");
    receiver.setDaemon(true);
    receiver.start();
  }

  public static final String LISTENER = "listener:";

  /**
   * Brings everything to rest and hands it out, sockets open. The server is closed then. What is
   * not at rest in {@link Clients#REST_MILLIS} is not cut; it follows when it is.
   */
  public Map<String, Object> park() {
    Map<String, Object> left = new LinkedHashMap<>();
    stopListening(left);
    clients.park(way(), left);
    return left;
  }

  private synchronized Stragglers way() {
    return stragglers;
  }

  /** First the listeners, so that whoever was accepted is among the connections. */
  private void stopListening(Map<String, Object> left) {
    Thread late;
    synchronized (this) {
      listeners.forEach((key, listener) -> left.put(LISTENER + key, listener.detach()));
      listeners.clear();
      closed = true;
      late = receiver;
    }
    if (late != null) {
      Clients.joined(late, System.nanoTime() + Clients.REST_MILLIS * 1_000_000);
    }
  }

  /** Stops listening, ends requests in flight and drops all clients. Idempotent, bounded. */
  @Override
  public void close() {
    Map<String, Object> listening = new LinkedHashMap<>();
    stopListening(listening);
    for (Object each : listening.values()) {
      closeQuietly((Channel) each);
    }
    clients.cut();
    forgetAdopted();
  }

  private static void closeQuietly(Channel channel) {
    try {
      channel.close();
    } catch (IOException e) {
      LOG.debug("closing", e);
    }
  }
}

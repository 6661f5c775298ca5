// SPDX-License-Identifier: Apache-2.0
package org.blksnap.nbd.internal;

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
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.blksnap.api.export.Export;
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
final class NbdServer implements AutoCloseable {
  /**
   * Longest time until the others go on without those that have a request under way, or are still
   * negotiating.
   */
  static final long REST_MILLIS = 1_000;

  /** Longest time until a client is cut where there is no successor to go on with it. */
  static final long CLOSE_MILLIS = 5_000;

  private static final long LATE_POLL_MILLIS = 100;

  private static final Logger LOG = LoggerFactory.getLogger(NbdServer.class);
  private static final RateLimit WARNINGS = new RateLimit(60);

  private final Exports exports;
  private final BufferPool buffers;
  private final ContextBudget contexts;
  private final Admission admission;
  private final AtomicInteger turnaways = new AtomicInteger();
  private final Map<Connection, Thread> connections = new ConcurrentHashMap<>();
  private final AtomicInteger serial = new AtomicInteger();
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

  NbdServer(Exports exports, Limits limits) {
    this(
        exports,
        limits,
        new ContextBudget(ContextBudget.ofHeap()),
        new BufferPool(BufferPool.ofDirectMemory()));
  }

  NbdServer(Exports exports, Limits limits, ContextBudget contexts, BufferPool buffers) {
    this.exports = exports;
    this.contexts = contexts;
    this.buffers = buffers;
    this.admission = new Admission(buffers);
    this.limits = limits;
  }

  Exports exports() {
    return exports;
  }

  BufferPool buffers() {
    return buffers;
  }

  ContextBudget contexts() {
    return contexts;
  }

  Admission admission() {
    return admission;
  }

  Limits limits() {
    return limits;
  }

  /** New bounds, for connections accepted from now on. */
  void limits(Limits next) {
    limits = next;
  }

  /** Begins to listen, for everything; see below. */
  void listen(ListenAddress address, TlsIdentity tls) throws IOException {
    listen(address, tls, Access.ALL);
  }

  /**
   * Begins to listen; where it listens there already, new clients get this {@code tls}, which may
   * be null, and this {@code access}.
   */
  synchronized void listen(ListenAddress address, TlsIdentity tls, Access access)
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
  synchronized void keepOnly(List<ListenAddress> addresses) {
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
  synchronized void forgetAdopted() {
    adopted.values().forEach(NbdServer::closeQuietly);
    adopted.clear();
  }

  synchronized List<Listener> listeners() {
    return List.copyOf(listeners.values());
  }

  int connectionCount() {
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
        begun = true;
        warn(refusal);
        Turnaway.begin(client, refusal, turnaways);
        return;
      }
      peer.tune(client, now);
      start(new Connection(this, listener, peer, new SocketTransport(client), now));
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

  /** Where it fails the connection is closed; it is the caller's to count it out. */
  private void start(Connection connection) {
    Thread thread = new Thread(connection, "nbd-" + serial.incrementAndGet());
    thread.setDaemon(true);
    connections.put(connection, thread);
    boolean started = false;
    try {
      thread.start();
      started = true;
    } finally {
      if (!started) {
        connections.remove(connection);
        connection.close();
      }
    }
    if (closed) {
      connection.park();
    }
  }

  /** Called by a connection's thread when nothing of it is left to do here. */
  void ended(Connection connection) {
    if (connection.parcel().isEmpty()) {
      connections.remove(connection);
    }
    admission.leave(connection.peer());
  }

  /** What is served now, in order of names. */
  List<Export> served() {
    List<Listener> now = listeners();
    List<Export> served = new ArrayList<>();
    for (Target target : exports.all()) {
      boolean readOnly =
          target.device().geometry().readOnly() || (target.image() && limits.imagesReadOnly());
      int clients =
          (int) connections.keySet().stream().filter(c -> c.export().equals(target.name())).count();
      String uri = now.isEmpty() ? "" : now.get(0).uri(target.name());
      served.add(
          new Export(
              target.name(), target.kind(), target.device().capacity(), readOnly, uri, clients));
    }
    return served;
  }

  /**
   * Goes on with what a predecessor parked. Connections whose export does not come back are closed;
   * the wait for it is on their own threads.
   */
  void adopt(Map<?, ?> left) {
    left.forEach(
        (key, value) -> {
          String name = String.valueOf(key);
          if (name.startsWith(LISTENER) && value instanceof ServerSocketChannel channel) {
            synchronized (this) {
              adopted.put(name.substring(LISTENER.length()), channel);
            }
          } else if (name.startsWith(CHANNEL) && value instanceof SocketChannel channel) {
            resume(channel, left.get(STATE + name.substring(CHANNEL.length())));
          }
        });
    receive(Stragglers.of(left));
  }

  private void resume(SocketChannel channel, Object state) {
    Peer peer = null;
    boolean begun = false;
    try {
      Optional<Parcel> parcel = Parcel.of(channel, state);
      if (parcel.isEmpty()) {
        LOG.warn("a parked client was dropped: what was left of it is of another version");
        return;
      }
      Transport pipe = parcel.get().transport();
      peer = Peer.of(channel);
      admission.adopt(peer);
      peer.tune(channel, limits);
      start(new Connection(this, parcel.get(), peer, pipe, limits));
      begun = true;
    } catch (IOException | RuntimeException | OutOfMemoryError e) {
      LOG.warn("a parked client was dropped: {}", e.toString());
    } finally {
      if (!begun) {
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

  static final String LISTENER = "listener:";
  static final String CHANNEL = "channel:";
  static final String STATE = "state:";

  /**
   * Brings everything to rest and hands it out, sockets open. The server is closed then. What is
   * not at rest in {@link #REST_MILLIS} is not cut; it follows when it is.
   */
  Map<String, Object> park() {
    Map<String, Object> left = new LinkedHashMap<>();
    stopListening(left);
    Map<Connection, Thread> now = Map.copyOf(connections);
    now.keySet().forEach(Connection::park);
    long deadline = System.nanoTime() + REST_MILLIS * 1_000_000;
    int number = 0;
    Stragglers way = way();
    for (Map.Entry<Connection, Thread> each : now.entrySet()) {
      Connection connection = each.getKey();
      if (!connection.export().isEmpty()) {
        joined(each.getValue(), deadline);
      }
      if (!connection.endedElseFollow(way)) {
        continue;
      }
      Optional<Parcel> parcel = connection.parcel();
      if (parcel.isPresent()) {
        left.put(CHANNEL + number, parcel.get().channel());
        left.put(STATE + number, parcel.get().state());
        number++;
      }
    }
    connections.clear();
    way.leave(left);
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
      joined(late, System.nanoTime() + REST_MILLIS * 1_000_000);
    }
  }

  private static boolean joined(Thread thread, long deadline) {
    try {
      thread.join(Math.max(1, (deadline - System.nanoTime()) / 1_000_000));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    return !thread.isAlive();
  }

  /** Stops listening, ends requests in flight and drops all clients. Idempotent, bounded. */
  @Override
  public void close() {
    Map<String, Object> listening = new LinkedHashMap<>();
    stopListening(listening);
    for (Object each : listening.values()) {
      closeQuietly((Channel) each);
    }
    Map<Connection, Thread> now = Map.copyOf(connections);
    now.keySet().forEach(Connection::park);
    long deadline = System.nanoTime() + CLOSE_MILLIS * 1_000_000;
    now.forEach(
        (connection, thread) -> {
          if (connection.export().isEmpty() || !joined(thread, deadline)) {
            connection.close();
            joined(thread, System.nanoTime() + 500_000_000L);
          }
          connection.parcel().ifPresent(parcel -> closeQuietly(parcel.channel()));
        });
    connections.clear();
    forgetAdopted();
  }

  static void closeQuietly(Channel channel) {
    try {
      channel.close();
    } catch (IOException e) {
      LOG.debug("closing", e);
    }
  }
}

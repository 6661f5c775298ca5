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
  /** Bytes of all buffers in use by all connections together. */
  static final long IN_FLIGHT_BYTES = 512L << 20;

  /** Longest time until a connection that is to come to rest is cut. */
  static final long REST_MILLIS = 5_000;

  private static final Logger LOG = LoggerFactory.getLogger(NbdServer.class);
  private static final RateLimit WARNINGS = new RateLimit(60);

  private final Exports exports;
  private final BufferPool buffers = new BufferPool(IN_FLIGHT_BYTES);
  private final ContextBudget contexts;
  private final Map<Connection, Thread> connections = new ConcurrentHashMap<>();
  private final AtomicInteger count = new AtomicInteger();
  private final AtomicInteger serial = new AtomicInteger();
  private volatile Limits limits;
  private volatile boolean closed;

  @GuardedBy("this")
  private final Map<String, Listener> listeners = new LinkedHashMap<>();

  @GuardedBy("this")
  private final Map<String, ServerSocketChannel> adopted = new LinkedHashMap<>();

  NbdServer(Exports exports, Limits limits) {
    this(exports, limits, new ContextBudget(ContextBudget.BYTES));
  }

  NbdServer(Exports exports, Limits limits, ContextBudget contexts) {
    this.exports = exports;
    this.contexts = contexts;
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

  /** New bounds, for connections accepted from now on. */
  void limits(Limits next) {
    limits = next;
  }

  /**
   * Begins to listen; where it listens there already, new clients get this {@code tls}, which may
   * be null.
   */
  synchronized void listen(ListenAddress address, TlsIdentity tls) throws IOException {
    String key = address.key();
    Listener present = listeners.get(key);
    if (closed || present != null) {
      if (present != null) {
        present.tls(tls);
      }
      return;
    }
    ServerSocketChannel inherited = adopted.remove(key);
    listeners.put(
        key,
        inherited == null
            ? Listener.open(address, tls, this::accepted)
            : Listener.adopt(address, tls, inherited, this::accepted));
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
    adopted.values().forEach(NbdServer::closeQuietly);
    adopted.clear();
  }

  synchronized List<Listener> listeners() {
    return List.copyOf(listeners.values());
  }

  int connectionCount() {
    return count.get();
  }

  private void accepted(Listener listener, SocketChannel client) {
    Limits now = limits;
    if (closed || count.incrementAndGet() > now.maximumConnections()) {
      if (!closed) {
        count.decrementAndGet();
        warnFull(now);
      }
      closeQuietly(client);
      return;
    }
    try {
      TlsIdentity tls = listener.tls();
      Connection connection =
          new Connection(
              this, listener.address().toString(), new SocketTransport(client), tls, now);
      start(connection);
    } catch (IOException | RuntimeException | OutOfMemoryError e) {
      count.decrementAndGet();
      closeQuietly(client);
      LOG.debug("client refused", e);
    }
  }

  private static void warnFull(Limits limits) {
    long before = WARNINGS.pass();
    if (before >= 0) {
      LOG.warn(
          "client refused: {} connections are open, allowed {}; raise maximum_connections of"
              + " org.blksnap.nbd ({} more kept back)",
          limits.maximumConnections(),
          limits.maximumConnections(),
          before);
    }
  }

  private void start(Connection connection) {
    Thread thread = new Thread(connection, "nbd-" + serial.incrementAndGet());
    thread.setDaemon(true);
    connections.put(connection, thread);
    thread.start();
    if (closed) {
      connection.park();
    }
  }

  /** Called by a connection's thread as its last act. */
  void ended(Connection connection) {
    if (connection.parcel().isEmpty()) {
      connections.remove(connection);
    }
    count.decrementAndGet();
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
  }

  private void resume(SocketChannel channel, Object state) {
    Optional<Parcel> parcel = Parcel.of(channel, state);
    try {
      if (parcel.isPresent()) {
        Connection connection =
            new Connection(this, parcel.get(), parcel.get().transport(), limits);
        count.incrementAndGet();
        start(connection);
        return;
      }
      LOG.warn("a parked client was dropped: what was left of it is of another version");
    } catch (IOException | RuntimeException e) {
      LOG.warn("a parked client was dropped: {}", e.toString());
    }
    closeQuietly(channel);
  }

  static final String LISTENER = "listener:";
  static final String CHANNEL = "channel:";
  static final String STATE = "state:";

  /** Brings everything to rest and hands it out, sockets open. The server is closed then. */
  Map<String, Object> park() {
    Map<String, Object> left = new LinkedHashMap<>();
    closed = true;
    synchronized (this) {
      listeners.forEach((key, listener) -> left.put(LISTENER + key, listener.detach()));
      listeners.clear();
    }
    int number = 0;
    for (Connection connection : rest()) {
      Optional<Parcel> parcel = connection.parcel();
      if (parcel.isPresent()) {
        left.put(CHANNEL + number, parcel.get().channel());
        left.put(STATE + number, parcel.get().state());
        number++;
      }
    }
    connections.clear();
    return left;
  }

  /** Asks all connections to end and waits for it, bounded; cuts those that do not. */
  private List<Connection> rest() {
    Map<Connection, Thread> now = Map.copyOf(connections);
    now.keySet().forEach(Connection::park);
    long deadline = System.nanoTime() + REST_MILLIS * 1_000_000;
    now.forEach(
        (connection, thread) -> {
          if (!joined(thread, deadline)) {
            connection.close();
            joined(thread, System.nanoTime() + 500_000_000L);
          }
        });
    return List.copyOf(now.keySet());
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
    for (Object each : park().entrySet().stream().map(Map.Entry::getValue).toList()) {
      if (each instanceof Channel channel) {
        closeQuietly(channel);
      }
    }
    synchronized (this) {
      adopted.values().forEach(NbdServer::closeQuietly);
      adopted.clear();
    }
  }

  private static void closeQuietly(Channel channel) {
    try {
      channel.close();
    } catch (IOException e) {
      LOG.debug("closing", e);
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
package org.blksnap.nbd.internal.server;

import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.blksnap.nbd.internal.session.Connection;
import org.blksnap.nbd.internal.session.Parcel;
import org.blksnap.nbd.internal.session.Stragglers;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The connections of one server and their threads. Ended once, by {@link #park} or {@link #cut};
 * one that begins after that is told to come to rest at once.
 */
final class Clients {
  /**
   * Longest time until the others go on without those that have a request under way; who is still
   * negotiating is not waited for.
   */
  static final long REST_MILLIS = 1_000;

  /** Longest time until a client is cut where there is no successor to go on with it. */
  static final long CLOSE_MILLIS = 5_000;

  /** Longest wait for the thread of a connection that was cut. */
  private static final long CUT_MILLIS = 500;

  private static final Logger LOG = LoggerFactory.getLogger(Clients.class);

  private final Map<Connection, Thread> present = new ConcurrentHashMap<>();
  private final AtomicInteger serial = new AtomicInteger();
  private volatile Runnable begun = () -> {};
  private volatile boolean ended;

  /** Each thread of a connection does that first, from now on; the threads it makes do not. */
  void begun(Runnable told) {
    begun = told;
  }

  /** Where it fails the connection is closed; it is the caller's to count it out. */
  void start(Connection connection) {
    Runnable serve =
        () -> {
          tellBegun();
          connection.run();
        };
    Thread thread = new Thread(serve, "nbd-" + serial.incrementAndGet());
    thread.setDaemon(true);
    present.put(connection, thread);
    boolean started = false;
    try {
      thread.start();
      started = true;
    } finally {
      if (!started) {
        present.remove(connection);
        connection.close();
      }
    }
    if (ended) {
      connection.park();
    }
  }

  private void tellBegun() {
    try {
      begun.run();
    } catch (RuntimeException | LinkageError e) {
      begun = () -> {};
      LOG.warn("threads that serve a client are not told of any more: {}", e.toString());
    }
  }

  /** A connection's last act; one that was parked stays until it is collected. */
  void ended(Connection connection) {
    if (connection.parcel().isEmpty()) {
      present.remove(connection);
    }
  }

  /** How many use an export. */
  int of(String export) {
    return (int) present.keySet().stream().filter(each -> each.export().equals(export)).count();
  }

  /** Collects those at rest in {@code left}; the others follow by {@code way}. */
  void park(Stragglers way, Map<String, Object> left) {
    Map<Connection, Thread> now = rest();
    long deadline = System.nanoTime() + REST_MILLIS * 1_000_000;
    int number = 0;
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
        left.put(Parcel.CHANNEL + number, parcel.get().channel());
        left.put(Parcel.STATE + number, parcel.get().state());
        number++;
      }
    }
    present.clear();
    way.leave(left);
  }

  /** Ends requests in flight, and drops everybody. Idempotent, bounded. */
  void cut() {
    Map<Connection, Thread> now = rest();
    long deadline = System.nanoTime() + CLOSE_MILLIS * 1_000_000;
    now.forEach(
        (connection, thread) -> {
          if (connection.export().isEmpty() || !joined(thread, deadline)) {
            connection.close();
            joined(thread, System.nanoTime() + CUT_MILLIS * 1_000_000);
          }
          connection.parcel().ifPresent(Parcel::drop);
        });
    present.clear();
  }

  private Map<Connection, Thread> rest() {
    ended = true;
    Map<Connection, Thread> now = Map.copyOf(present);
    now.keySet().forEach(Connection::park);
    return now;
  }

  /** True where the thread has ended by then. */
  static boolean joined(Thread thread, long deadline) {
    try {
      thread.join(Math.max(1, (deadline - System.nanoTime()) / 1_000_000));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    return !thread.isAlive();
  }
}

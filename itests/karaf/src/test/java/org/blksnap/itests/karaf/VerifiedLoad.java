// SPDX-License-Identifier: Apache-2.0
package org.blksnap.itests.karaf;

import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantReadWriteLock;

/**
 * Clients that write to one export and check what they wrote, each page owned by one of them. A
 * client whose connection is gone connects again and repeats what was not answered, as any NBD
 * client does; an error in a reply is a failure.
 *
 * <p>Three of four requests write. One of sixteen goes to the client's next fresh page, so that at
 * any moment some writes are the first of their page since a take; fresh pages fill one tracking
 * block after another, in a scattered order.
 */
final class VerifiedLoad implements Closeable {
  static final int CLIENTS = 4;
  private static final int FRESH_ONE_IN = 16;
  private static final int READ_ONE_IN = 4;
  private static final int SCATTER = 389;
  private static final long RECONNECT_MILLIS = 20;
  private static final long RECONNECT_LIMIT_NANOS = TimeUnit.SECONDS.toNanos(30);
  private static final long END_MILLIS = 30_000;

  private final Path socket;
  private final String export;
  private final PageOracle oracle;

  /** Held shared for each request; whoever holds it exclusively sees a disk at rest. */
  private final ReentrantReadWriteLock rest = new ReentrantReadWriteLock(true);

  private final List<String> failures = new CopyOnWriteArrayList<>();
  private final AtomicLong done = new AtomicLong();
  private final AtomicLong reconnects = new AtomicLong();
  private final Client[] clients = new Client[CLIENTS];
  private volatile boolean ended;

  VerifiedLoad(Path socket, String export, PageOracle oracle) {
    this.socket = socket;
    this.export = export;
    this.oracle = oracle;
  }

  void start() {
    for (int i = 0; i < CLIENTS; i++) {
      clients[i] = new Client(i);
      clients[i].thread.start();
    }
  }

  /** What is done with a disk at rest. */
  interface Work {
    void run() throws Exception;
  }

  void whileAtRest(Work work) throws Exception {
    rest.writeLock().lock();
    try {
      work.run();
    } finally {
      rest.writeLock().unlock();
    }
  }

  long requests() {
    return done.get();
  }

  long reconnects() {
    return reconnects.get();
  }

  List<String> failures() {
    return failures;
  }

  /** Times of all requests so far, ns, in rising order; reconnecting and repeating is in them. */
  long[] latencies() throws Exception {
    long[][] all = new long[CLIENTS][];
    whileAtRest(
        () -> {
          for (int i = 0; i < CLIENTS; i++) {
            all[i] = Arrays.copyOf(clients[i].nanos, clients[i].count);
          }
        });
    return Arrays.stream(all).flatMapToLong(Arrays::stream).sorted().toArray();
  }

  /** Ends the clients and waits for them. */
  @Override
  public void close() throws IOException {
    ended = true;
    for (Client client : clients) {
      try {
        client.thread.join(END_MILLIS);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private final class Client implements Runnable {
    final Thread thread;
    private final int number;
    private final Random random;
    private final byte[] page = new byte[PageOracle.PAGE];
    private final byte[] wanted = new byte[PageOracle.PAGE];
    private NbdClient connection;
    private int fresh;
    long[] nanos = new long[1 << 16];
    int count;

    Client(int number) {
      this.number = number;
      this.random = new Random(oracle.seed() + number);
      this.thread = new Thread(this, "load-" + number);
      thread.setDaemon(true);
    }

    @Override
    public void run() {
      try {
        while (!ended && failures.isEmpty()) {
          rest.readLock().lock();
          try {
            step();
          } finally {
            rest.readLock().unlock();
          }
        }
      } catch (IOException | RuntimeException e) {
        failures.add(thread.getName() + ": " + e);
      } finally {
        disconnect();
      }
    }

    private void step() throws IOException {
      int owned = oracle.pages() / CLIENTS;
      boolean first = fresh == 0 || (fresh < owned && random.nextInt(FRESH_ONE_IN) == 0);
      int at = page(first ? fresh++ : random.nextInt(fresh));
      long begin = System.nanoTime();
      if (!first && random.nextInt(READ_ONE_IN) == 0) {
        untilAnswered(() -> connection.read(page, (long) at * PageOracle.PAGE));
        took(System.nanoTime() - begin);
        oracle.content(at, oracle.version(at), wanted);
        if (!Arrays.equals(page, wanted)) {
          failures.add(
              "page " + at + " is not what was written last, number " + oracle.version(at));
        }
      } else {
        int next = oracle.version(at) + 1;
        oracle.content(at, next, page);
        oracle.attempted(at);
        untilAnswered(() -> connection.write(page, (long) at * PageOracle.PAGE));
        took(System.nanoTime() - begin);
        oracle.stored(at, next);
      }
      done.incrementAndGet();
    }

    /** The client's pages in the order it first writes them: block by block, blocks scattered. */
    private int page(int order) {
      int blocks = oracle.pages() / PageOracle.PAGES_IN_BLOCK / CLIENTS;
      int block = (int) ((long) (order / PageOracle.PAGES_IN_BLOCK) * SCATTER % blocks);
      return (block * CLIENTS + number) * PageOracle.PAGES_IN_BLOCK
          + order % PageOracle.PAGES_IN_BLOCK;
    }

    private void took(long time) {
      if (count == nanos.length) {
        nanos = Arrays.copyOf(nanos, 2 * count);
      }
      nanos[count++] = time;
    }

    private interface Request {
      void send() throws IOException;
    }

    private void untilAnswered(Request request) throws IOException {
      long giveUp = System.nanoTime() + RECONNECT_LIMIT_NANOS;
      while (true) {
        try {
          if (connection == null) {
            connection = NbdClient.open(socket, export);
          }
          request.send();
          return;
        } catch (NbdClient.Refused e) {
          throw e;
        } catch (IOException e) {
          if (System.nanoTime() > giveUp) {
            throw e;
          }
          if (connection != null) {
            reconnects.incrementAndGet();
          }
          disconnect();
          pause();
        }
      }
    }

    private void pause() {
      try {
        Thread.sleep(RECONNECT_MILLIS);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }

    private void disconnect() {
      try (NbdClient old = connection) {
        connection = null;
      } catch (IOException e) {
        failures.add(e.toString());
      }
    }
  }
}

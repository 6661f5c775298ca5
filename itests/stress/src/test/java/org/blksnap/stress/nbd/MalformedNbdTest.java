// SPDX-License-Identifier: Apache-2.0
package org.blksnap.stress.nbd;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Random;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;
import org.blksnap.nbd.internal.export.Access;
import org.blksnap.nbd.internal.export.Exports;
import org.blksnap.nbd.internal.protocol.Transport;
import org.blksnap.nbd.internal.protocol.Wire;
import org.blksnap.nbd.internal.server.ListenAddress;
import org.blksnap.nbd.internal.server.NbdServer;
import org.blksnap.nbd.internal.session.Connection;
import org.blksnap.nbd.internal.session.Door;
import org.blksnap.nbd.internal.session.Limits;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * R4, NBD's part: malformed clients in any number, {@code -Dclients=}, out of {@code -Dseed=}. Each
 * must be answered as the protocol document has it, and leave nothing behind.
 */
class MalformedNbdTest {
  /** Clients in memory; over the socket a share of them. */
  private static final int CLIENTS = Integer.getInteger("clients", 800_000);

  private static final int SHARE_OF_SOCKETS = 250;
  private static final int THREADS = 2;
  private static final int SIZE = 1 << 20;

  /** Longer than what the reader takes at once, so that long writes come in pieces. */
  private static final Limits LIMITS = new Limits(512, 640 << 10, 8, 10, false);

  /** Longest time one client may take. */
  private static final long HANG_MILLIS = 30_000;

  private final long seed = Long.getLong("seed", System.nanoTime());
  private final MemoryDevice disk = new MemoryDevice("disk", false, SIZE);
  private final MemoryDevice readOnly = new MemoryDevice("ro", true, SIZE);
  private final Exports exports = new Exports(Duration.ofSeconds(1));
  private final AtomicReference<Throwable> failure = new AtomicReference<>();

  @TempDir Path directory;

  MalformedNbdTest() {
    exports.arrived("userspace", MemoryDevice.engine(disk, readOnly));
  }

  /** One thread's clients, each with a seed of its own. */
  private final class Player implements Runnable {
    private final NbdServer server;
    private final long first;
    private final int count;
    private volatile long present;
    private volatile long began;
    private volatile long requests;

    Player(NbdServer server, long first, int count) {
      this.server = server;
      this.first = first;
      this.count = count;
    }

    @Override
    public void run() {
      ReplyJudge judge = new ReplyJudge(SIZE, LIMITS.maximumRequest());
      Random random = new Random();
      MalformedInput input = new MalformedInput(random, SIZE, LIMITS.maximumRequest());
      try {
        for (int i = 0; i < count && failure.get() == null; i++) {
          present = first + i;
          began = System.nanoTime();
          random.setSeed(present);
          byte[] says = input.next();
          int piece = random.nextInt(4) == 0 ? 1 + random.nextInt(200) : says.length + 1;
          MemoryTransport transport = new MemoryTransport(says, piece, random);
          connection(server, transport).run();
          judge.judge(says, transport.answered());
        }
        requests = judge.requests;
      } catch (Throwable e) {
        failure.compareAndSet(null, new AssertionError("-Dseed=" + present + " -Dclients=1", e));
      }
      began = Long.MAX_VALUE;
    }

    void watch(Thread thread) {
      long now = System.nanoTime();
      if (began < now - HANG_MILLIS * 1_000_000) {
        AssertionError hang = new AssertionError("hangs: -Dseed=" + present + " -Dclients=1");
        hang.setStackTrace(thread.getStackTrace());
        failure.compareAndSet(null, hang);
      }
    }
  }

  @Test
  void everyClientInMemoryIsAnsweredAsTheProtocolHasIt() throws Exception {
    System.out.println("in memory -Dseed=" + seed + ", " + CLIENTS + " clients");
    NbdServer server = new NbdServer(exports, LIMITS);
    long begin = System.nanoTime();
    int threads = CLIENTS < THREADS ? 1 : THREADS;
    Player[] players = new Player[threads];
    Thread[] running = new Thread[threads];
    for (int i = 0; i < threads; i++) {
      int share = CLIENTS / threads;
      players[i] = new Player(server, seed + (long) i * share, share);
      players[i].began = begin;
      running[i] = new Thread(players[i], "player-" + i);
      running[i].setDaemon(true);
      running[i].start();
    }
    for (int i = 0; i < threads; i++) {
      while (running[i].isAlive() && failure.get() == null) {
        running[i].join(500);
        for (int j = 0; j < threads; j++) {
          players[j].watch(running[j]);
        }
      }
    }
    rethrow();
    long requests = 0;
    for (Player player : players) {
      requests += player.requests;
    }
    double seconds = (System.nanoTime() - begin) / 1e9;
    System.out.printf(
        "%d clients, %d whole requests in %.1f s: %.0f clients/s%n",
        CLIENTS, requests, seconds, CLIENTS / seconds);
    nothingIsLeft(server);
    server.close();
  }

  /** The judge is worth something only if it finds what is wrong. */
  @Test
  void anAnswerWithOneBitChangedIsFound() {
    NbdServer server = new NbdServer(exports, LIMITS);
    Random random = new Random(seed);
    MalformedInput input = new MalformedInput(random, SIZE, LIMITS.maximumRequest());
    int found = 0;
    int tried = 2000;
    for (int i = 0; i < tried; i++) {
      byte[] says = input.next();
      MemoryTransport transport = new MemoryTransport(says, says.length + 1, random);
      connection(server, transport).run();
      byte[] answered = new byte[transport.answered().remaining()];
      transport.answered().get(answered);
      answered[random.nextInt(answered.length)] ^= (byte) (1 << random.nextInt(8));
      try {
        new ReplyJudge(SIZE, LIMITS.maximumRequest()).judge(says, ByteBuffer.wrap(answered));
      } catch (AssertionError | RuntimeException e) {
        found++;
      }
    }
    // The rest is in data, words and flags, which it does not look at.
    assertTrue(found > tried / 4, found + " of " + tried + " found, -Dseed=" + seed);
    server.close();
  }

  @Test
  void clientsOverTheSocketLeaveNothingBehind() throws Exception {
    int clients = Math.max(1, CLIENTS / SHARE_OF_SOCKETS);
    System.out.println("over the socket -Dseed=" + seed + ", " + clients + " clients");
    Path socket = directory.resolve("s/nbd.sock");
    try (NbdServer server = new NbdServer(exports, LIMITS)) {
      server.listen(ListenAddress.unix(socket), null);
      Random random = new Random(seed);
      MalformedInput input = new MalformedInput(random, SIZE, LIMITS.maximumRequest());
      // What is made once and kept: classes, selectors, buffers.
      for (int i = 0; i < 100; i++) {
        talk(socket, input.next(), random);
      }
      await("the first clients are gone", () -> server.connectionCount() == 0);
      long descriptors = descriptors();
      for (int i = 0; i < clients; i++) {
        talk(socket, input.next(), random);
        if (i % 500 == 0) {
          serves(socket);
        }
      }
      serves(socket);
      await("all clients are gone", () -> server.connectionCount() == 0);
      nothingIsLeft(server);
      await("descriptors are closed", () -> descriptors() <= descriptors);
    }
    await("no thread is left", () -> threads("nbd-") == 0);
  }

  private static Connection connection(NbdServer server, Transport transport) {
    Door door = new Door("memory", Access.ALL, null);
    return new Connection(server.shared(), door, transport, null, LIMITS, over -> {});
  }

  private void rethrow() {
    Throwable e = failure.get();
    if (e != null) {
      throw new AssertionError(e.getMessage(), e);
    }
  }

  private void nothingIsLeft(NbdServer server) {
    await("threads of requests are gone", () -> threads("player-") + threads("-worker") == 0);
    assertEquals(0, server.shared().buffers().lent(), "bytes of buffers still lent");
    assertEquals(0, server.shared().contexts().held(), "bytes of contexts still held");
    assertNull(disk.trespass, "asked of the device");
    assertNull(readOnly.trespass, "asked of the device");
  }

  static long threads(String part) {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(thread -> thread.getName().contains(part))
        .count();
  }

  static long descriptors() {
    try (var open = Files.list(Path.of("/proc/self/fd"))) {
      return open.count();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static void await(String what, BooleanSupplier condition) {
    long deadline = System.nanoTime() + HANG_MILLIS * 1_000_000;
    while (!condition.getAsBoolean()) {
      assertTrue(System.nanoTime() < deadline, "never: " + what);
      try {
        Thread.sleep(5);
      } catch (InterruptedException e) {
        throw new AssertionError(e);
      }
    }
  }

  /** Says it, and leaves: at once, after what came back by then, or after all that comes back. */
  private static void talk(Path socket, byte[] says, Random random) throws IOException {
    try (SocketChannel client = SocketChannel.open(StandardProtocolFamily.UNIX)) {
      client.connect(UnixDomainSocketAddress.of(socket));
      // A client that never reads and says more than fits would wait for us for ever.
      client.configureBlocking(false);
      ByteBuffer bytes = ByteBuffer.wrap(says);
      ByteBuffer sink = ByteBuffer.allocate(1 << 16);
      long deadline = System.nanoTime() + HANG_MILLIS * 1_000_000;
      while (bytes.hasRemaining()) {
        if (client.write(bytes) == 0) {
          client.read(sink.clear());
          Thread.onSpinWait();
        }
        assertTrue(System.nanoTime() < deadline, "the server takes nothing");
      }
      switch (random.nextInt(3)) {
        case 0 -> client.read(sink.clear());
        case 1 -> {
          client.shutdownOutput();
          while (client.read(sink.clear()) >= 0) {
            assertTrue(System.nanoTime() < deadline, "the server hangs on, -Dclients as here");
            Thread.yield();
          }
        }
        default -> {
          return;
        }
      }
    } catch (IOException e) {
      // The server hung up, which is its right.
    }
  }

  /** Somebody well-behaved. */
  private static void serves(Path socket) throws IOException {
    ByteBuffer to = ByteBuffer.allocate(200).putInt(3);
    to.putLong(Wire.IHAVEOPT).putInt(Wire.OPT_GO).putInt(10).putInt(4).put("disk".getBytes());
    to.putShort((short) 0).putInt(Wire.REQUEST_MAGIC).putShort((short) 0).putShort((short) 0);
    to.putLong(5).putLong(0).putInt(512);
    to.putInt(Wire.REQUEST_MAGIC).putShort((short) 0).putShort((short) Wire.CMD_DISC);
    to.putLong(6).putLong(0).putInt(0);
    try (SocketChannel client = SocketChannel.open(StandardProtocolFamily.UNIX)) {
      client.connect(UnixDomainSocketAddress.of(socket));
      client.write(to.flip());
      ByteBuffer got = ByteBuffer.allocate(4096);
      while (client.read(got) >= 0) {
        continue;
      }
      assertEquals(512 + 16, got.position() - 18 - 32 - 34 - 20, "bytes of a read");
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
package org.blksnap.nbd.internal.server;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Random;
import org.blksnap.nbd.internal.export.Access;
import org.blksnap.nbd.internal.export.Exports;
import org.blksnap.nbd.internal.export.FakeDevice;
import org.blksnap.nbd.internal.export.FakeSnapshotService;
import org.blksnap.nbd.internal.protocol.RawClient;
import org.blksnap.nbd.internal.session.Limits;

/** A server on a unix socket with one device of random bytes. */
public final class ServerFixture implements AutoCloseable {
  static final String NAME = "disk";

  final Path directory;
  public final Path socket;
  public final FakeDevice device;
  public final FakeSnapshotService engine;
  public final Exports exports = new Exports(Duration.ofSeconds(2));
  public NbdServer server;

  public ServerFixture() throws IOException {
    this(Limits.DEFAULTS, 4 << 20);
  }

  public ServerFixture(Limits limits, int size) throws IOException {
    directory = Files.createTempDirectory("nbd");
    socket = directory.resolve("s/nbd.sock");
    device = new FakeDevice(NAME, size);
    new Random(1).nextBytes(device.bytes);
    engine = new FakeSnapshotService(device);
    exports.arrived("userspace", engine);
    server = new NbdServer(exports, limits);
    server.listen(ListenAddress.unix(socket), null);
  }

  /** Listens at a port of the loopback address as well; answers the port. */
  int listenTcp(Access access) throws IOException {
    server.listen(ListenAddress.tcp(new InetSocketAddress("127.0.0.1", 0)), null, access);
    return server.listeners().get(1).address().tcp().getPort();
  }

  static RawClient connect(int port) throws IOException {
    Socket socket = new Socket("127.0.0.1", port);
    return new RawClient(socket, socket.getInputStream(), socket.getOutputStream());
  }

  public RawClient connect() throws IOException {
    return new RawClient(socket);
  }

  /** Waits until a condition holds; fails after ten seconds. */
  public static void await(String what, java.util.function.BooleanSupplier condition) {
    long deadline = System.nanoTime() + 10_000_000_000L;
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() > deadline) {
        throw new AssertionError("never: " + what);
      }
      Thread.onSpinWait();
      try {
        Thread.sleep(1);
      } catch (InterruptedException e) {
        throw new AssertionError(e);
      }
    }
  }

  @Override
  public void close() throws IOException {
    server.close();
    Files.deleteIfExists(socket);
    Files.deleteIfExists(socket.getParent());
    try (var left = Files.list(directory)) {
      for (Path path : left.toList()) {
        Files.delete(path);
      }
    }
    Files.delete(directory);
  }
}

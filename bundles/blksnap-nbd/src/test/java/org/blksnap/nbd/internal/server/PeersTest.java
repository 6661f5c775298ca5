// SPDX-License-Identifier: Apache-2.0
package org.blksnap.nbd.internal.server;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.StandardSocketOptions;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import jdk.net.ExtendedSocketOptions;
import org.blksnap.api.health.Finding;
import org.blksnap.nbd.internal.export.Access;
import org.blksnap.nbd.internal.export.ContextBudget;
import org.blksnap.nbd.internal.export.FakeDevice;
import org.blksnap.nbd.internal.protocol.Mode;
import org.blksnap.nbd.internal.protocol.RawClient;
import org.blksnap.nbd.internal.protocol.Wire;
import org.blksnap.nbd.internal.protocol.WireError;
import org.blksnap.nbd.internal.session.BufferPool;
import org.blksnap.nbd.internal.session.Limits;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Peers that are dead, silent, many, or strangers. */
@Timeout(60)
class PeersTest {
  private static Limits limits(int connections, int perPeer, int reserved, int stallSeconds) {
    return new Limits(connections, perPeer, reserved, 1 << 20, 8, 10, stallSeconds, 77, false);
  }

  private static String refusal(RawClient client) throws IOException {
    client.hello().option(Wire.OPT_GO, RawClient.go("disk"));
    RawClient.Reply refused = client.reply();
    assertEquals(Wire.REP_ERR_POLICY, refused.type());
    return refused.text();
  }

  @Test
  void networkCannotTakeTheConnectionsKeptForTheAdministrator() throws IOException {
    List<RawClient> all = new ArrayList<>();
    try (ServerFixture fixture = new ServerFixture(limits(6, 6, 2, 60), 4096)) {
      int port = fixture.listenTcp(Access.ALL);
      for (int i = 0; i < 4; i++) {
        all.add(ServerFixture.connect(port).enter("disk", Mode.SIMPLE));
      }
      try (RawClient more = ServerFixture.connect(port)) {
        String told = refusal(more);
        assertTrue(told.contains("full") && told.contains("maximum_connections"), told);
      }
      Finding full = NbdFindings.full(fixture.server).orElseThrow();
      assertTrue(full.observation().contains("127.0.0.1 has 4"), full.observation());
      all.add(fixture.connect().enter("disk", Mode.SIMPLE));
      all.add(fixture.connect().enter("disk", Mode.SIMPLE));
      for (RawClient client : all) {
        client.close();
      }
    }
  }

  @Test
  void onePeerCannotHaveAllConnections() throws IOException {
    try (ServerFixture fixture = new ServerFixture(limits(8, 1, 0, 60), 4096)) {
      int port = fixture.listenTcp(Access.ALL);
      try (RawClient first = ServerFixture.connect(port).enter("disk", Mode.SIMPLE);
          RawClient second = ServerFixture.connect(port);
          RawClient local = fixture.connect().enter("disk", Mode.SIMPLE)) {
        String told = refusal(second);
        assertTrue(told.contains("127.0.0.1 has 1 connections, allowed 1"), told);
        assertEquals(512, first.read(Mode.SIMPLE, 0, 512).length);
        assertEquals(512, local.read(Mode.SIMPLE, 0, 512).length);
      }
      ServerFixture.await("gone", () -> fixture.server.connectionCount() == 0);
      ServerFixture.connect(port).enter("disk", Mode.SIMPLE).close();
    }
  }

  @Test
  void clientWithoutRoomForItsBuffersIsToldSo() throws IOException {
    try (ServerFixture fixture = new ServerFixture(Limits.DEFAULTS, 4096)) {
      fixture.server.close();
      fixture.server =
          new NbdServer(
              fixture.exports,
              Limits.DEFAULTS,
              new ContextBudget(1 << 20),
              new BufferPool(4L * BufferPool.SMALLEST_STANDING));
      fixture.server.listen(ListenAddress.unix(fixture.socket), null);
      try (RawClient first = fixture.connect().enter("disk", Mode.SIMPLE);
          RawClient second = fixture.connect()) {
        String told = refusal(second);
        assertTrue(told.contains("-XX:MaxDirectMemorySize"), told);
        assertEquals(512, first.read(Mode.SIMPLE, 0, 512).length);
      }
    }
  }

  @Test
  void deadTcpPeersAreAskedForAndSmallRepliesDoNotWait() throws IOException {
    try (ServerSocket listener = new ServerSocket(0)) {
      SocketChannel channel =
          SocketChannel.open(new InetSocketAddress("127.0.0.1", listener.getLocalPort()));
      try (channel;
          Socket other = listener.accept()) {
        assertTrue(other.isConnected());
        Peer peer = Peer.of(channel);
        assertEquals(new Peer("127.0.0.1", false, false), peer);
        peer.tune(channel, limits(1, 1, 0, 60));
        assertTrue(channel.getOption(StandardSocketOptions.TCP_NODELAY));
        assertTrue(channel.getOption(StandardSocketOptions.SO_KEEPALIVE));
        assertEquals(77, channel.getOption(ExtendedSocketOptions.TCP_KEEPIDLE));
        assertEquals(Peer.PROBE_SECONDS, channel.getOption(ExtendedSocketOptions.TCP_KEEPINTERVAL));
        assertEquals(Peer.PROBES, channel.getOption(ExtendedSocketOptions.TCP_KEEPCOUNT));
      }
    }
  }

  /** What the kernel says of the server's end: timer 2 is that of keep-alive. */
  @Test
  void acceptedTcpConnectionHasTheKernelAskForItsPeer() throws IOException {
    try (ServerFixture fixture = new ServerFixture(limits(8, 8, 0, 60), 4096)) {
      int port = fixture.listenTcp(Access.ALL);
      try (RawClient client = ServerFixture.connect(port).enter("disk", Mode.SIMPLE)) {
        assertEquals(512, client.read(Mode.SIMPLE, 0, 512).length);
        String hex = String.format(":%04X", port);
        ServerFixture.await(
            "keep-alive timer", () -> keptAlive("tcp", hex) || keptAlive("tcp6", hex));
      }
    }
  }

  private static boolean keptAlive(String table, String port) {
    try {
      return Files.readAllLines(Path.of("/proc/net", table)).stream()
          .map(line -> line.trim().split("\\s+"))
          .anyMatch(
              words ->
                  words[1].endsWith(port) && words[3].equals("01") && words[5].startsWith("02:"));
    } catch (IOException e) {
      return false;
    }
  }

  @Test
  void clientSilentInTheMidstOfARequestIsGivenUp() throws IOException {
    try (ServerFixture fixture = new ServerFixture(limits(8, 8, 0, 1), 4 << 20);
        RawClient header = fixture.connect().enter("disk", Mode.SIMPLE);
        RawClient payload = fixture.connect().enter("disk", Mode.SIMPLE);
        RawClient idle = fixture.connect().enter("disk", Mode.SIMPLE)) {
      header.out.write(new byte[] {0x25, 0x60});
      payload.request(Mode.SIMPLE, 0, Wire.CMD_WRITE, 1, 0, 1 << 20, new byte[700_000]);
      assertTrue(header.atEnd());
      assertTrue(payload.atEnd());
      assertEquals(512, idle.read(Mode.SIMPLE, 0, 512).length);
    }
  }

  @Test
  void clientThatTakesNoRepliesIsGivenUp() throws IOException {
    try (ServerFixture fixture = new ServerFixture(limits(8, 8, 0, 1), 4 << 20);
        RawClient client = fixture.connect().enter("disk", Mode.SIMPLE)) {
      for (int i = 0; i < 32; i++) {
        client.request(Mode.SIMPLE, 0, Wire.CMD_READ, i, 0, 1 << 20);
      }
      ServerFixture.await("given up", () -> fixture.server.connectionCount() == 0);
    }
  }

  @Test
  void strangerAtTheUnixSocketIsRefusedEvenWhereItsFileLetsHimIn() throws Exception {
    assumeTrue("root".equals(System.getProperty("user.name")), "needs root to become another user");
    assumeTrue(Files.isExecutable(Path.of("/usr/bin/setpriv")), "needs setpriv");
    assumeTrue(Files.isExecutable(Path.of("/usr/bin/python3")), "needs python3");
    try (ServerFixture fixture = new ServerFixture()) {
      for (Path path : List.of(fixture.directory, fixture.socket.getParent(), fixture.socket)) {
        Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rwxrwxrwx"));
      }
      String script =
          "import socket,struct\n"
              + "s=socket.socket(socket.AF_UNIX); s.connect('"
              + fixture.socket
              + "')\n"
              + "f=s.makefile('rwb'); f.read(18)\n"
              + "f.write(struct.pack('>IQII',3,0x49484156454F5054,3,0)); f.flush()\n"
              + "r=struct.unpack('>QIII',f.read(20)); print(hex(r[2]), f.read(r[3]).decode())\n";
      Process stranger =
          new ProcessBuilder(
                  "/usr/bin/setpriv",
                  "--reuid=65534",
                  "--regid=65534",
                  "--clear-groups",
                  "/usr/bin/python3",
                  "-c",
                  script)
              .redirectErrorStream(true)
              .start();
      String told = new String(stranger.getInputStream().readAllBytes());
      assertTrue(told.startsWith("0x80000002 user nobody may not use this socket"), told);
      assertEquals(0, fixture.server.connectionCount());
    }
  }

  @Test
  void listenerThatCannotStartLeavesNothingOpen() throws Exception {
    try (ServerFixture fixture = new ServerFixture()) {
      Path socket = fixture.directory.resolve("x.sock");
      ListenAddress address = ListenAddress.unix(socket);
      long before = descriptors();
      java.nio.channels.ServerSocketChannel closed =
          java.nio.channels.ServerSocketChannel.open(java.net.StandardProtocolFamily.UNIX);
      closed.bind(java.net.UnixDomainSocketAddress.of(socket));
      closed.close();
      org.junit.jupiter.api.Assertions.assertThrows(
          IOException.class,
          () -> Listener.adopt(address, null, Access.ALL, closed, (listener, client) -> {}));
      assertEquals(before, descriptors());
      assertTrue(Files.notExists(socket));
    }
  }

  private static long descriptors() throws IOException {
    try (var open = Files.list(Path.of("/proc/self/fd"))) {
      return open.count();
    }
  }

  @Test
  void tcpClientsHaveTheExportsAllowedThereAndNoMore() throws IOException {
    try (ServerFixture fixture = new ServerFixture()) {
      fixture.engine.devices.add(new FakeDevice("secret", 4096));
      int port = fixture.listenTcp(new Access(List.of("di*"), true));
      try (RawClient client = ServerFixture.connect(port)) {
        client.hello().option(Wire.OPT_LIST, new byte[0]);
        assertEquals("disk", name(client.reply()));
        assertEquals(Wire.REP_ACK, client.reply().type());
        assertEquals(Wire.REP_ERR_UNKNOWN, client.ask(Wire.OPT_GO, RawClient.go("secret")));
        client.ask(Wire.OPT_STRUCTURED_REPLY);
        assertEquals(
            Wire.REP_ERR_UNKNOWN,
            client.ask(Wire.OPT_SET_META_CONTEXT, RawClient.contexts("secret", "base:allocation")));
        assertEquals(Wire.REP_ACK, client.ask(Wire.OPT_GO, RawClient.go("disk")));
        byte[] before = fixture.device.bytes.clone();
        assertEquals(WireError.EPERM, client.write(Mode.STRUCTURED, 0, 0, new byte[512]));
        assertArrayEquals(before, fixture.device.bytes);
      }
      try (RawClient client = ServerFixture.connect(port)) {
        client.hello().option(Wire.OPT_EXPORT_NAME, "secret".getBytes());
        assertTrue(client.atEnd());
      }
      try (RawClient local = fixture.connect().enter("secret", Mode.SIMPLE)) {
        assertEquals(0, local.write(Mode.SIMPLE, 0, 0, new byte[512]));
      }
      Finding door = NbdFindings.openDoor(fixture.server.listeners().get(1)).orElseThrow();
      assertTrue(
          door.observation().contains("every user of this machine")
              && door.observation().contains("may read exports di*"),
          door.observation());
      assertTrue(NbdFindings.openDoor(fixture.server.listeners().get(0)).isEmpty());
    }
  }

  private static String name(RawClient.Reply reply) {
    java.nio.ByteBuffer data = java.nio.ByteBuffer.wrap(reply.data());
    byte[] name = new byte[data.getInt()];
    data.get(name);
    return new String(name);
  }
}

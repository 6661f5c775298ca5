// SPDX-License-Identifier: Apache-2.0
package org.blksnap.nbd.internal.session;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import javax.net.ssl.SSLSocket;
import org.blksnap.nbd.internal.protocol.Mode;
import org.blksnap.nbd.internal.protocol.RawClient;
import org.blksnap.nbd.internal.protocol.Wire;
import org.blksnap.nbd.internal.server.ListenAddress;
import org.blksnap.nbd.internal.server.NbdServer;
import org.blksnap.nbd.internal.server.ServerFixture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class TlsTest {
  @TempDir static Path directory;
  private ServerFixture fixture;
  private TlsIdentity identity;

  @BeforeEach
  void open() throws Exception {
    fixture = new ServerFixture();
    Path store = directory.resolve("keys.p12");
    Path password = directory.resolve("password");
    if (Files.notExists(store)) {
      Files.writeString(password, "secret-word\n");
      String keytool = Path.of(System.getProperty("java.home"), "bin", "keytool").toString();
      String options =
          "-genkeypair -alias server -keyalg EC -dname CN=localhost -storetype PKCS12"
              + " -storepass secret-word -keystore "
              + store;
      ProcessBuilder command = new ProcessBuilder((keytool + " " + options).split(" "));
      assertEquals(0, command.start().waitFor());
    }
    identity = TlsIdentity.load(store, password, false);
  }

  @AfterEach
  void close() throws IOException {
    fixture.close();
  }

  private RawClient plain(TlsIdentity tls) throws IOException {
    fixture.server.listen(ListenAddress.tcp(new InetSocketAddress("127.0.0.1", 0)), tls);
    Socket socket = new Socket();
    socket.connect(fixture.server.listeners().get(1).address().tcp());
    last = socket;
    return new RawClient(socket, socket.getInputStream(), socket.getOutputStream());
  }

  private Socket last;

  private void startTls(RawClient client, boolean certificate) throws Exception {
    assertEquals(Wire.REP_ACK, client.ask(Wire.OPT_STARTTLS));
    javax.net.ssl.SSLContext context = identity.context();
    if (!certificate) {
      javax.net.ssl.TrustManagerFactory trusted =
          javax.net.ssl.TrustManagerFactory.getInstance("PKIX");
      java.security.KeyStore keys = java.security.KeyStore.getInstance("PKCS12");
      try (var in = Files.newInputStream(directory.resolve("keys.p12"))) {
        keys.load(in, "secret-word".toCharArray());
      }
      trusted.init(keys);
      context = javax.net.ssl.SSLContext.getInstance("TLS");
      context.init(null, trusted.getTrustManagers(), null);
    }
    SSLSocket tls = (SSLSocket) context.getSocketFactory().createSocket(last, "localhost", 1, true);
    tls.startHandshake();
    client.streams(tls.getInputStream(), tls.getOutputStream());
  }

  @Test
  void everythingButStartTlsIsRefusedBeforeIt() throws IOException {
    try (RawClient client = plain(identity)) {
      client.hello();
      assertEquals(Wire.REP_ERR_TLS_REQD, client.ask(Wire.OPT_LIST));
      assertEquals(Wire.REP_ERR_TLS_REQD, client.ask(Wire.OPT_GO, RawClient.go("disk")));
      client.option(Wire.OPT_EXPORT_NAME, "disk".getBytes());
      assertTrue(client.atEnd());
    }
  }

  @Test
  void dataIsExactOverTls() throws Exception {
    try (RawClient client = plain(identity)) {
      client.hello();
      startTls(client, false);
      assertEquals(Wire.REP_ERR_INVALID, client.ask(Wire.OPT_STARTTLS));
      assertEquals(Wire.REP_ACK, client.ask(Wire.OPT_STRUCTURED_REPLY));
      assertEquals(Wire.REP_ACK, client.ask(Wire.OPT_GO, RawClient.go("disk")));
      byte[] data = new byte[1 << 20];
      Arrays.fill(data, (byte) 3);
      assertEquals(0, client.write(Mode.STRUCTURED, 0, 4096, data));
      assertArrayEquals(
          Arrays.copyOf(fixture.device.bytes, 3 << 20), client.read(Mode.STRUCTURED, 0, 3 << 20));
    }
  }

  @Test
  void plainBytesBehindStartTlsEndTheConnection() throws IOException {
    try (RawClient client = plain(identity)) {
      client.hello();
      byte[] two = new byte[32];
      java.nio.ByteBuffer to = java.nio.ByteBuffer.wrap(two);
      to.putLong(Wire.IHAVEOPT).putInt(Wire.OPT_STARTTLS).putInt(0);
      to.putLong(Wire.IHAVEOPT).putInt(Wire.OPT_LIST).putInt(0);
      client.out.write(two);
      assertTrue(client.atEnd());
    }
  }

  @Test
  void tlsClientOutlivesAnUpdate() throws Exception {
    try (RawClient client = plain(identity)) {
      client.hello();
      startTls(client, false);
      client.ask(Wire.OPT_GO, RawClient.go("disk"));
      client.read(Mode.SIMPLE, 0, 512);
      Map<String, Object> left = fixture.server.park();
      NbdServer next = new NbdServer(fixture.exports, Limits.DEFAULTS);
      next.adopt(left);
      next.keepOnly(java.util.List.of());
      fixture.server = next;
      assertEquals(70_000, client.read(Mode.SIMPLE, 0, 70_000).length);
    }
  }

  @Test
  void halfALongPayloadOverTlsOutlivesAnUpdate() throws Exception {
    try (RawClient client = plain(identity)) {
      client.hello();
      startTls(client, false);
      client.ask(Wire.OPT_GO, RawClient.go("disk"));
      byte[] data = new byte[2 << 20];
      Arrays.fill(data, (byte) 6);
      byte[] write = RawClient.bytes(Mode.SIMPLE, 0, Wire.CMD_WRITE, 5, 0, data.length, data);
      client.out.write(write, 0, 1 << 20);
      ServerFixture.await("first piece", () -> fixture.device.bytes[0] == 6);
      Map<String, Object> left = fixture.server.park();
      NbdServer next = new NbdServer(fixture.exports, Limits.DEFAULTS);
      next.adopt(left);
      next.keepOnly(java.util.List.of());
      fixture.server = next;
      client.out.write(write, 1 << 20, write.length - (1 << 20));
      assertEquals(0, client.chunk(0).error());
      assertArrayEquals(data, Arrays.copyOf(fixture.device.bytes, data.length));
    }
  }

  @Test
  void clientWithoutADemandedCertificateIsRefused() throws Exception {
    try (RawClient client = plain(new TlsIdentity(identity.context(), true))) {
      client.hello();
      assertThrows(
          IOException.class,
          () -> {
            startTls(client, false);
            client.ask(Wire.OPT_LIST);
          });
    }
  }

  @Test
  void clientWithADemandedCertificateIsServed() throws Exception {
    try (RawClient client = plain(new TlsIdentity(identity.context(), true))) {
      client.hello();
      startTls(client, true);
      assertEquals(Wire.REP_ACK, client.ask(Wire.OPT_GO, RawClient.go("disk")));
    }
  }
}

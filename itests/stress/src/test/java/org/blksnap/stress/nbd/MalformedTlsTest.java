// SPDX-License-Identifier: Apache-2.0
package org.blksnap.stress.nbd;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.Arrays;
import java.util.Random;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509TrustManager;
import org.blksnap.nbd.internal.export.Exports;
import org.blksnap.nbd.internal.protocol.Wire;
import org.blksnap.nbd.internal.server.ListenAddress;
import org.blksnap.nbd.internal.server.NbdServer;
import org.blksnap.nbd.internal.session.Limits;
import org.blksnap.nbd.internal.session.TlsIdentity;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * R4, TLS: clients that say STARTTLS and then anything but what they should, or speak TLS well and
 * say in it what they should not. {@code -Dclients=} as for those without TLS, {@code -Dseed=}.
 */
class MalformedTlsTest {
  /** A handshake of TLS is dear. */
  private static final int SHARE = 4000;

  private static final int SIZE = 1 << 20;
  private static final Limits LIMITS = new Limits(512, 640 << 10, 8, 2, false);
  private static final int GREETING_BYTES = 18;
  private static final int ACK_BYTES = 20;

  /** Longest wait for the server; it drops a client in its handshake after two seconds. */
  private static final int HANG_MILLIS = 30_000;

  private final long seed = Long.getLong("seed", System.nanoTime());
  private final Random random = new Random(seed);
  private final MalformedInput input = new MalformedInput(random, SIZE, LIMITS.maximumRequest());

  @TempDir Path directory;

  @Test
  void clientsLeaveNothingBehind() throws Exception {
    int clients = Math.max(1, Integer.getInteger("clients", 800_000) / SHARE);
    System.out.println("over TLS -Dseed=" + seed + ", " + clients + " clients");
    MemoryDevice disk = new MemoryDevice("disk", false, SIZE);
    Exports exports = new Exports(Duration.ofSeconds(1));
    exports.arrived("userspace", MemoryDevice.engine(disk));
    SSLContext trusting = trusting();
    try (NbdServer server = new NbdServer(exports, LIMITS)) {
      server.listen(ListenAddress.tcp(new InetSocketAddress("127.0.0.1", 0)), identity());
      int port = server.listeners().get(0).address().tcp().getPort();
      for (int i = 0; i < 20; i++) {
        talk(port, i % 5, trusting);
      }
      MalformedNbdTest.await("the first are gone", () -> server.connectionCount() == 0);
      long descriptors = MalformedNbdTest.descriptors();
      for (int i = 0; i < clients; i++) {
        talk(port, random.nextInt(5), trusting);
      }
      MalformedNbdTest.await("all are gone", () -> server.connectionCount() == 0);
      MalformedNbdTest.await(
          "descriptors are closed", () -> MalformedNbdTest.descriptors() <= descriptors);
      assertEquals(0, server.shared().buffers().lent(), "bytes of buffers still lent");
      assertEquals(null, disk.trespass, "asked of the device");
    }
    MalformedNbdTest.await("no thread is left", () -> MalformedNbdTest.threads("nbd-") == 0);
  }

  private TlsIdentity identity() throws Exception {
    Path store = directory.resolve("keys.p12");
    Path password = Files.writeString(directory.resolve("password"), "secret-word\n");
    String keytool = Path.of(System.getProperty("java.home"), "bin", "keytool").toString();
    ProcessBuilder command =
        new ProcessBuilder(
            keytool,
            "-genkeypair",
            "-alias",
            "server",
            "-keyalg",
            "EC",
            "-dname",
            "CN=localhost",
            "-storetype",
            "PKCS12",
            "-storepass",
            "secret-word",
            "-keystore",
            store.toString());
    assertEquals(0, command.redirectErrorStream(true).start().waitFor(), "keytool");
    return TlsIdentity.load(store, password, false);
  }

  private static SSLContext trusting() throws GeneralSecurityException {
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(
        null,
        new TrustManager[] {
          new X509TrustManager() {
            @Override
            public void checkClientTrusted(X509Certificate[] chain, String type) {}

            @Override
            public void checkServerTrusted(X509Certificate[] chain, String type) {}

            @Override
            public X509Certificate[] getAcceptedIssuers() {
              return new X509Certificate[0];
            }
          }
        },
        null);
    return context;
  }

  private void talk(int port, int kind, SSLContext trusting) throws IOException {
    try (Socket plain = new Socket("127.0.0.1", port)) {
      plain.setSoTimeout(HANG_MILLIS);
      InputStream in = plain.getInputStream();
      need(in, GREETING_BYTES);
      ByteBuffer start = ByteBuffer.allocate(20).putInt(3).putLong(Wire.IHAVEOPT);
      plain.getOutputStream().write(start.putInt(Wire.OPT_STARTTLS).putInt(0).array());
      need(in, ACK_BYTES);
      switch (kind) {
        case 0 -> plain.getOutputStream().write(noise(random.nextInt(2000)));
        case 1 -> plain.getOutputStream().write(hello(trusting));
        case 2 -> {
          return;
        }
        default -> {
          SSLSocket secure =
              (SSLSocket) trusting.getSocketFactory().createSocket(plain, "localhost", port, false);
          secure.startHandshake();
          if (kind == 3) {
            byte[] says = input.next();
            // Without the flags, which were said before.
            secure
                .getOutputStream()
                .write(says, Math.min(4, says.length), Math.max(0, says.length - 4));
          } else {
            plain.getOutputStream().write(noise(1 + random.nextInt(300)));
          }
        }
      }
      if (random.nextBoolean()) {
        plain.shutdownOutput();
        while (in.read() >= 0) {
          continue;
        }
      }
    } catch (java.net.SocketTimeoutException e) {
      throw new AssertionError("the server hangs, -Dseed=" + seed, e);
    } catch (IOException e) {
      // The server hung up, which is its right.
    }
  }

  private static void need(InputStream in, int bytes) throws IOException {
    if (in.readNBytes(bytes).length < bytes) {
      throw new EOFException();
    }
  }

  private byte[] noise(int length) {
    byte[] noise = new byte[length];
    random.nextBytes(noise);
    if (length > 5 && random.nextBoolean()) {
      // As if it were a record: of any type and length.
      noise[0] = (byte) (20 + random.nextInt(5));
      noise[1] = 3;
      noise[2] = 3;
    }
    return noise;
  }

  /** A client's first words, damaged. */
  private byte[] hello(SSLContext trusting) throws IOException {
    SSLEngine engine = trusting.createSSLEngine("localhost", 1);
    engine.setUseClientMode(true);
    ByteBuffer record = ByteBuffer.allocate(engine.getSession().getPacketBufferSize());
    engine.wrap(ByteBuffer.allocate(0), record);
    byte[] bytes = Arrays.copyOf(record.array(), record.position());
    for (int i = random.nextInt(6); i >= 0; i--) {
      bytes[random.nextInt(bytes.length)] = (byte) random.nextInt();
    }
    return random.nextInt(3) == 0 ? Arrays.copyOf(bytes, random.nextInt(bytes.length)) : bytes;
  }
}

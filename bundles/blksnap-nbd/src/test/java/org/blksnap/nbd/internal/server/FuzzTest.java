// SPDX-License-Identifier: Apache-2.0
package org.blksnap.nbd.internal.server;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.util.Random;
import org.blksnap.nbd.internal.protocol.Mode;
import org.blksnap.nbd.internal.protocol.RawClient;
import org.blksnap.nbd.internal.protocol.Wire;
import org.blksnap.nbd.internal.session.Limits;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Malformed input, from a seed: afterwards the server must serve as if nothing had been, and hold
 * no buffer. {@code -Dfuzz.inputs=N} for more, {@code -Dseed=S} to replay.
 */
class FuzzTest {
  private static final int INPUTS = Integer.getInteger("fuzz.inputs", 4000);
  private static final int[] OPTIONS = {1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12, 99};

  private final long seed = Long.getLong("seed", System.nanoTime());
  private final Random random = new Random(seed);

  @Test
  @Timeout(3600)
  void malformedInputHarmsNobodyElse() throws IOException {
    System.out.println("seed " + seed);
    try (ServerFixture fixture =
        new ServerFixture(new Limits(512, 1 << 20, 8, 10, false), 1 << 20)) {
      for (int i = 0; i < INPUTS; i++) {
        input(fixture, i);
        if (i % 500 == 499) {
          check(fixture);
        }
      }
      check(fixture);
      ServerFixture.await("all clients gone", () -> fixture.server.connectionCount() == 0);
      assertEquals(0, fixture.server.shared().buffers().lent(), "buffers still lent, seed " + seed);
    }
  }

  private void check(ServerFixture fixture) throws IOException {
    try (RawClient client = fixture.connect().enter("disk", Mode.STRUCTURED)) {
      assertEquals(0, client.write(Mode.STRUCTURED, 0, 0, new byte[4096]), "seed " + seed);
      assertEquals(4096, client.read(Mode.STRUCTURED, 0, 4096).length, "seed " + seed);
    }
  }

  private void input(ServerFixture fixture, int number) throws IOException {
    try (SocketChannel client = SocketChannel.open(StandardProtocolFamily.UNIX)) {
      client.connect(UnixDomainSocketAddress.of(fixture.socket));
      ByteBuffer bytes =
          switch (number % 4) {
            case 0 -> noise();
            case 1 -> options();
            case 2 -> mutatedSession();
            default -> requests();
          };
      while (bytes.hasRemaining()) {
        client.write(bytes);
      }
      client.configureBlocking(false);
      client.read(ByteBuffer.allocate(65536));
    } catch (IOException e) {
      // The server has hung up, which is its right.
    }
  }

  private ByteBuffer noise() {
    byte[] noise = new byte[random.nextInt(300)];
    random.nextBytes(noise);
    return ByteBuffer.wrap(noise);
  }

  private ByteBuffer options() {
    ByteBuffer to = ByteBuffer.allocate(4096).putInt(3);
    for (int i = random.nextInt(6); i >= 0; i--) {
      byte[] data = new byte[random.nextInt(40)];
      random.nextBytes(data);
      if (random.nextBoolean() && data.length > 3) {
        data[0] = data[1] = data[2] = 0;
      }
      to.putLong(Wire.IHAVEOPT).putInt(OPTIONS[random.nextInt(OPTIONS.length)]);
      to.putInt(data.length + (random.nextInt(8) == 0 ? random.nextInt() : 0)).put(data);
    }
    return to.flip();
  }

  private ByteBuffer session() {
    ByteBuffer to = ByteBuffer.allocate(1 << 16).putInt(3);
    to.putLong(Wire.IHAVEOPT).putInt(random.nextInt(4) == 0 ? 11 : 8).putInt(0);
    byte[] name = "disk".getBytes();
    to.putLong(Wire.IHAVEOPT).putInt(10).putInt(4 + 4 + 4 + 4 + 15);
    to.putInt(4).put(name).putInt(1).putInt(15).put("base:allocation".getBytes());
    to.putLong(Wire.IHAVEOPT).putInt(7).putInt(10).putInt(4).put(name).putShort((short) 0);
    return to;
  }

  private ByteBuffer requests() {
    ByteBuffer to = session();
    boolean extended = to.getInt(12) == 11;
    for (int i = random.nextInt(30); i >= 0; i--) {
      to.putInt(extended ? Wire.EXTENDED_REQUEST_MAGIC : Wire.REQUEST_MAGIC);
      to.putShort((short) (random.nextInt(4) == 0 ? random.nextInt() : 0));
      int type = random.nextInt(9);
      to.putShort((short) type).putLong(random.nextLong());
      long length = random.nextInt(3) == 0 ? random.nextLong() : random.nextInt(2000);
      to.putLong(random.nextInt(3) == 0 ? random.nextLong() : random.nextInt(1 << 20));
      if (extended) {
        to.putLong(length);
      } else {
        to.putInt((int) length);
      }
      if (type == Wire.CMD_WRITE && length >= 0 && length < 2000) {
        to.put(new byte[(int) length]);
      }
    }
    return to.flip();
  }

  private ByteBuffer mutatedSession() {
    ByteBuffer bytes = random.nextBoolean() ? session().flip() : requests();
    for (int i = random.nextInt(4); i >= 0; i--) {
      bytes.put(random.nextInt(bytes.limit()), (byte) random.nextInt());
    }
    return random.nextInt(3) == 0 ? bytes.limit(random.nextInt(bytes.limit())) : bytes;
  }
}

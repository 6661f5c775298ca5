// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.node;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * An NBD server as far as the negotiation goes, on a unix socket: it greets, takes what the client
 * says, and answers with the bytes of the test; then it hangs up, or waits for the client's end.
 */
final class GreetingServer implements AutoCloseable {
  static final int CLIENT_BYTES = 4;

  /** Bytes of a greeting; behind less it hangs up. */
  private static final int WHOLE = 18;

  final Path path;
  final List<byte[]> heard = new CopyOnWriteArrayList<>();
  private final ServerSocketChannel channel;
  private final byte[] greeting;
  private final byte[] answer;
  private final boolean hangUp;
  private final Thread thread = new Thread(this::serve, "greeting-server");

  GreetingServer(Path path, byte[] greeting, byte[] answer, boolean hangUp) throws IOException {
    this.path = path;
    this.greeting = greeting;
    this.answer = answer;
    this.hangUp = hangUp;
    channel = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
    channel.bind(UnixDomainSocketAddress.of(path));
    thread.setDaemon(true);
    thread.start();
  }

  static byte[] greeting(int flags) {
    return ByteBuffer.allocate(18)
        .putLong(NbdGreeting.MAGIC)
        .putLong(NbdGreeting.OPTION_MAGIC)
        .putShort((short) flags)
        .array();
  }

  static byte[] reply(int kind, byte[] data) {
    return ByteBuffer.allocate(20 + data.length)
        .putLong(NbdGreeting.REPLY_MAGIC)
        .putInt(NbdGreeting.GO)
        .putInt(kind)
        .putInt(data.length)
        .put(data)
        .array();
  }

  static byte[] export(long size, int flags) {
    byte[] data =
        ByteBuffer.allocate(12).putShort((short) 0).putLong(size).putShort((short) flags).array();
    return reply(NbdGreeting.REPLY_INFO, data);
  }

  static byte[] blocks(int least) {
    byte[] data =
        ByteBuffer.allocate(14).putShort((short) 3).putInt(least).putInt(4096).putInt(1).array();
    return reply(NbdGreeting.REPLY_INFO, data);
  }

  static byte[] all(byte[]... parts) {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    for (byte[] part : parts) {
      all.writeBytes(part);
    }
    return all.toByteArray();
  }

  private void serve() {
    try {
      while (true) {
        SocketChannel client = channel.accept();
        Thread one = new Thread(() -> serve(client), "greeting-client");
        one.setDaemon(true);
        one.start();
      }
    } catch (IOException closed) {
      // The test has ended.
    }
  }

  private void serve(SocketChannel client) {
    try (client) {
      client.write(ByteBuffer.wrap(greeting));
      if (greeting.length < WHOLE) {
        return;
      }
      ByteBuffer said = ByteBuffer.allocate(8192);
      // The option's length stands behind the client's flags.
      while (said.position() < CLIENT_BYTES + 16
          || said.position() < CLIENT_BYTES + 16 + said.getInt(CLIENT_BYTES + 12)) {
        if (client.read(said) < 0) {
          return;
        }
      }
      byte[] all = new byte[said.position()];
      said.get(0, all);
      heard.add(all);
      client.write(ByteBuffer.wrap(answer));
      if (!hangUp) {
        client.read(ByteBuffer.allocate(1));
      }
    } catch (IOException gone) {
      // The client's end is what its test is about.
    }
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}

// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.control;

import java.io.EOFException;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;

/**
 * A client of the socket, step by step, from the numbers of FORMATS.md alone. Its memory is one
 * array at address 0x10000.
 */
final class Client implements AutoCloseable {
  static final long BASE = 0x10000;

  private final SocketChannel channel;
  final byte[] memory = new byte[1 << 16];
  private int reads;

  Client(Path socket) throws IOException {
    channel = SocketChannel.open(UnixDomainSocketAddress.of(socket));
  }

  private static ByteBuffer buffer(int size) {
    return ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
  }

  Client say(ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      channel.write(bytes);
    }
    return this;
  }

  /** A call on the control device. */
  Client call(int word, long argument) throws IOException {
    ByteBuffer call = buffer(57);
    call.put(0, new byte[] {'B', 'L', 'K', 'S', 'I', 'O', 'C', 0});
    call.putShort(8, (short) 1);
    call.putInt(12, word).putLong(16, argument).putInt(48, 1).put(56, (byte) '/');
    return say(call);
  }

  /** The next frame: kind, value, address. EOFException where there is none any more. */
  long[] frame() throws IOException {
    ByteBuffer frame = hear(16);
    return new long[] {frame.getInt(0), frame.getInt(4), frame.getLong(8)};
  }

  ByteBuffer hear(int bytes) throws IOException {
    ByteBuffer heard = buffer(bytes);
    while (heard.hasRemaining()) {
      if (channel.read(heard) < 0) {
        throw new EOFException("the server has closed the connection");
      }
    }
    return heard.flip();
  }

  /** Gives and takes memory until the result. */
  int result() throws IOException {
    while (true) {
      long[] frame = frame();
      if (frame[0] == 3) {
        return (int) frame[1];
      } else if (frame[0] != 4) {
        serve(frame);
      }
    }
  }

  void serve(long[] frame) throws IOException {
    int bytes = (int) frame[1];
    long offset = frame[2] - BASE;
    boolean good = offset >= 0 && offset <= memory.length - bytes;
    if (bytes < 1 || bytes > 4096) {
      throw new IOException("a frame of " + bytes + " bytes");
    }
    if (frame[0] == 2) {
      ByteBuffer written = hear(bytes);
      if (good) {
        written.get(memory, (int) offset, bytes);
      }
    }
    say(buffer(4).putInt(0, good ? 0 : 14));
    if (good && frame[0] == 1) {
      reads++;
      say(ByteBuffer.wrap(memory, (int) offset, bytes));
    }
  }

  /** How often memory was given. */
  int reads() {
    return reads;
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}

// SPDX-License-Identifier: Apache-2.0
package org.blksnap.itests.karaf;

import java.io.Closeable;
import java.io.EOFException;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/**
 * A plain NBD client: fixed newstyle handshake, simple replies, one request at a time. It knows the
 * protocol's document alone and shares no code with the server. For one thread.
 */
final class NbdClient implements Closeable {
  private static final long NBDMAGIC = 0x4e42444d41474943L;
  private static final long IHAVEOPT = 0x49484156454f5054L;
  private static final long OPTION_REPLY_MAGIC = 0x3e889045565a9L;
  private static final int REQUEST_MAGIC = 0x25609513;
  private static final int REPLY_MAGIC = 0x67446698;
  private static final int FIXED_NEWSTYLE_NO_ZEROES = 3;
  private static final int OPTION_GO = 7;
  private static final int REPLY_ACK = 1;
  private static final int REPLY_INFO = 3;
  private static final int READ = 0;
  private static final int WRITE = 1;
  private static final int DISCONNECT = 2;
  private static final int FLUSH = 3;
  private static final int HEADER_BYTES = 28;
  private static final int REPLY_BYTES = 16;
  private static final int LARGEST = 1 << 20;

  /** A request the server answered with an error: failed I/O, unlike a connection that is gone. */
  static final class Refused extends IOException {
    private static final long serialVersionUID = 1L;

    Refused(String message) {
      super(message);
    }
  }

  private final SocketChannel channel;
  private final ByteBuffer out = ByteBuffer.allocateDirect(HEADER_BYTES + LARGEST);
  private final ByteBuffer in = ByteBuffer.allocateDirect(REPLY_BYTES + LARGEST);
  private long cookie;
  private long size;

  private NbdClient(SocketChannel channel) {
    this.channel = channel;
  }

  static NbdClient open(Path socket, String export) throws IOException {
    SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(socket));
    NbdClient client = new NbdClient(channel);
    try {
      client.negotiate(export);
      return client;
    } catch (IOException | RuntimeException e) {
      channel.close();
      throw e;
    }
  }

  long size() {
    return size;
  }

  private void negotiate(String export) throws IOException {
    receive(18);
    if (in.getLong() != NBDMAGIC || in.getLong() != IHAVEOPT) {
      throw new IOException("no NBD server answers");
    }
    byte[] name = export.getBytes(StandardCharsets.UTF_8);
    out.clear();
    out.putInt(FIXED_NEWSTYLE_NO_ZEROES);
    out.putLong(IHAVEOPT).putInt(OPTION_GO).putInt(name.length + 6);
    out.putInt(name.length).put(name).putShort((short) 0);
    send();
    for (int type = 0; type != REPLY_ACK; ) {
      receive(20);
      long magic = in.getLong();
      int option = in.getInt();
      type = in.getInt();
      receive(in.getInt());
      if (magic != OPTION_REPLY_MAGIC || option != OPTION_GO || type < 0) {
        throw new IOException("export " + export + " was not opened: reply " + type);
      }
      if (type == REPLY_INFO && in.getShort() == 0) {
        size = in.getLong();
      }
    }
  }

  /** Fills the array from the offset on; at most 1 MiB. */
  void read(byte[] into, long offset) throws IOException {
    request(READ, offset, into.length, null);
    receive(into.length);
    in.get(into);
  }

  void write(byte[] from, long offset) throws IOException {
    request(WRITE, offset, from.length, from);
  }

  void flush() throws IOException {
    request(FLUSH, 0, 0, null);
  }

  private void request(int type, long offset, int length, byte[] payload) throws IOException {
    out.clear();
    header(type, offset, length);
    if (payload != null) {
      out.put(payload);
    }
    send();
    receive(REPLY_BYTES);
    int magic = in.getInt();
    int error = in.getInt();
    if (magic != REPLY_MAGIC || in.getLong() != cookie) {
      throw new IOException("a reply with magic " + Integer.toHexString(magic) + " or to another");
    }
    if (error != 0) {
      throw new Refused("request type " + type + " at " + offset + ": error " + error);
    }
  }

  private void header(int type, long offset, int length) {
    out.putInt(REQUEST_MAGIC).putShort((short) 0).putShort((short) type).putLong(++cookie);
    out.putLong(offset).putInt(length);
  }

  private void send() throws IOException {
    out.flip();
    while (out.hasRemaining()) {
      channel.write(out);
    }
  }

  private void receive(int length) throws IOException {
    in.clear().limit(length);
    while (in.hasRemaining()) {
      if (channel.read(in) < 0) {
        throw new EOFException("the server closed the connection");
      }
    }
    in.flip();
  }

  @Override
  public void close() throws IOException {
    try (channel) {
      out.clear();
      header(DISCONNECT, 0, 0);
      send();
    } catch (IOException e) {
      // the server is gone already, and the socket is closed all the same
    }
  }
}

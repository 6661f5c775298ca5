// SPDX-License-Identifier: Apache-2.0
package org.blksnap.nbd.internal.protocol;

import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** Speaks NBD byte by byte, rightly or wrongly. */
public final class RawClient implements AutoCloseable {
  private final AutoCloseable socket;
  public DataInputStream in;
  public DataOutputStream out;

  public RawClient(Path path) throws IOException {
    SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
    channel.connect(UnixDomainSocketAddress.of(path));
    socket = channel;
    streams(Channels.newInputStream(channel), Channels.newOutputStream(channel));
  }

  public RawClient(AutoCloseable socket, InputStream in, OutputStream out) {
    this.socket = socket;
    streams(in, out);
  }

  public void streams(InputStream input, OutputStream output) {
    in = new DataInputStream(input);
    out = new DataOutputStream(output);
  }

  /** An option's reply. */
  public record Reply(int option, int type, byte[] data) {
    public String text() {
      return new String(data, StandardCharsets.UTF_8);
    }
  }

  /** A chunk or, with type -1, a simple reply whose error stands in flags. */
  public record Chunk(int flags, int type, long cookie, long offset, byte[] data) {
    public int error() {
      if (type == -1) {
        return flags;
      }
      return type >= 0x8000 ? java.nio.ByteBuffer.wrap(data).getInt() : 0;
    }
  }

  public RawClient hello(int flags) throws IOException {
    if (in.readLong() != Wire.NBDMAGIC || in.readLong() != Wire.IHAVEOPT) {
      throw new IOException("bad greeting");
    }
    in.readUnsignedShort();
    out.writeInt(flags);
    return this;
  }

  public RawClient hello() throws IOException {
    return hello(3);
  }

  public void option(int option, byte[] data) throws IOException {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    DataOutputStream to = new DataOutputStream(all);
    to.writeLong(Wire.IHAVEOPT);
    to.writeInt(option);
    to.writeInt(data.length);
    to.write(data);
    out.write(all.toByteArray());
  }

  public Reply reply() throws IOException {
    if (in.readLong() != Wire.OPTION_REPLY_MAGIC) {
      throw new IOException("bad option reply");
    }
    return new Reply(in.readInt(), in.readInt(), in.readNBytes(in.readInt()));
  }

  /** Sends an option; answers the type of the last of its replies. */
  public int ask(int option, byte... data) throws IOException {
    option(option, data);
    while (true) {
      Reply reply = reply();
      if (reply.type == Wire.REP_ACK || reply.type < 0) {
        return reply.type;
      }
    }
  }

  public static byte[] go(String name, int... infos) throws IOException {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    DataOutputStream to = new DataOutputStream(all);
    byte[] bytes = name.getBytes(StandardCharsets.UTF_8);
    to.writeInt(bytes.length);
    to.write(bytes);
    to.writeShort(infos.length);
    for (int info : infos) {
      to.writeShort(info);
    }
    return all.toByteArray();
  }

  public static byte[] contexts(String name, String... queries) throws IOException {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    DataOutputStream to = new DataOutputStream(all);
    byte[] bytes = name.getBytes(StandardCharsets.UTF_8);
    to.writeInt(bytes.length);
    to.write(bytes);
    to.writeInt(queries.length);
    for (String query : queries) {
      byte[] text = query.getBytes(StandardCharsets.UTF_8);
      to.writeInt(text.length);
      to.write(text);
    }
    return all.toByteArray();
  }

  /** Names of the contexts an option answers with, ended by the type of its last reply. */
  public java.util.List<String> contextNames(int option, byte[] data) throws IOException {
    option(option, data);
    java.util.List<String> names = new java.util.ArrayList<>();
    while (true) {
      Reply reply = reply();
      if (reply.type == Wire.REP_ACK) {
        return names;
      }
      if (reply.type < 0) {
        throw new IOException("refused: " + reply.text());
      }
      names.add(new String(reply.data, 4, reply.data.length - 4, StandardCharsets.UTF_8));
    }
  }

  /** Negotiates up to the transmission phase. */
  public RawClient enter(String export, Mode mode, String... contexts) throws IOException {
    hello();
    if (mode != Mode.SIMPLE) {
      ask(mode == Mode.EXTENDED ? Wire.OPT_EXTENDED_HEADERS : Wire.OPT_STRUCTURED_REPLY);
    }
    if (contexts.length > 0) {
      ask(Wire.OPT_SET_META_CONTEXT, contexts(export, contexts));
    }
    if (ask(Wire.OPT_GO, go(export)) != Wire.REP_ACK) {
      throw new IOException("GO refused");
    }
    return this;
  }

  public void request(
      Mode mode, int flags, int type, long cookie, long offset, long length, byte... data)
      throws IOException {
    out.write(bytes(mode, flags, type, cookie, offset, length, data));
  }

  public static byte[] bytes(
      Mode mode, int flags, int type, long cookie, long offset, long length, byte... data)
      throws IOException {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    DataOutputStream to = new DataOutputStream(all);
    to.writeInt(mode == Mode.EXTENDED ? Wire.EXTENDED_REQUEST_MAGIC : Wire.REQUEST_MAGIC);
    to.writeShort(flags);
    to.writeShort(type);
    to.writeLong(cookie);
    to.writeLong(offset);
    if (mode == Mode.EXTENDED) {
      to.writeLong(length);
    } else {
      to.writeInt((int) length);
    }
    to.write(data);
    return all.toByteArray();
  }

  /** One reply or chunk; {@code length} is what a simple reply without error carries. */
  public Chunk chunk(int length) throws IOException {
    int magic = in.readInt();
    if (magic == Wire.SIMPLE_REPLY_MAGIC) {
      int error = in.readInt();
      long cookie = in.readLong();
      return new Chunk(error, -1, cookie, 0, in.readNBytes(error == 0 ? length : 0));
    }
    int flags = in.readUnsignedShort();
    int type = in.readUnsignedShort();
    long cookie = in.readLong();
    if (magic == Wire.EXTENDED_REPLY_MAGIC) {
      long offset = in.readLong();
      return new Chunk(flags, type, cookie, offset, in.readNBytes((int) in.readLong()));
    }
    if (magic != Wire.STRUCTURED_REPLY_MAGIC) {
      throw new IOException("reply magic " + Integer.toHexString(magic));
    }
    return new Chunk(flags, type, cookie, 0, in.readNBytes(in.readInt()));
  }

  /** Reads through the server, from however many chunks. */
  public byte[] read(Mode mode, long offset, int length) throws IOException {
    request(mode, 0, Wire.CMD_READ, 42, offset, length);
    byte[] all = new byte[length];
    while (true) {
      Chunk chunk = chunk(length);
      if (chunk.error() != 0) {
        throw new IOException("error " + chunk.error());
      }
      if (chunk.type == -1) {
        return chunk.data;
      }
      if (chunk.type == Wire.REPLY_OFFSET_DATA) {
        long at = java.nio.ByteBuffer.wrap(chunk.data).getLong();
        System.arraycopy(chunk.data, 8, all, (int) (at - offset), chunk.data.length - 8);
      }
      if ((chunk.flags & 1) != 0) {
        return all;
      }
    }
  }

  /** Writes and answers the error. */
  public int write(Mode mode, int flags, long offset, byte[] data) throws IOException {
    request(mode, flags, Wire.CMD_WRITE, 43, offset, data.length, data);
    return chunk(0).error();
  }

  /** Any request without data either way; answers the error. */
  public int command(Mode mode, int flags, int type, long offset, long length) throws IOException {
    request(mode, flags, type, 44, offset, length);
    return chunk(0).error();
  }

  public boolean atEnd() throws IOException {
    try {
      return in.read() < 0;
    } catch (IOException e) {
      return true;
    }
  }

  @Override
  public void close() throws IOException {
    try {
      socket.close();
    } catch (IOException e) {
      throw e;
    } catch (Exception e) {
      throw new IOException(e);
    }
  }
}

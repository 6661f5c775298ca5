// SPDX-License-Identifier: Apache-2.0
package org.blksnap.nbd.internal.protocol;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/**
 * Encodes replies into one direct buffer and sends it in one go. Used by one thread; several
 * writers may share a transport, which sends each buffer whole, so chunks never mix.
 */
public final class ReplyWriter {
  /** Room for every header this class writes, beside the data. */
  public static final int HEADROOM = 128;

  /** Longest error text sent; the protocol would allow 4096. */
  public static final int MESSAGE_BYTES = 512;

  private final Transport transport;
  private final ByteBuffer buffer;
  private final Mode mode;
  private long nanosSending;
  private int statusStart;
  private int statusCount;
  private long lastLength;
  private int lastFlags;

  public ReplyWriter(Transport transport, ByteBuffer buffer, Mode mode) {
    this.transport = transport;
    this.buffer = buffer;
    this.mode = mode;
  }

  /** Data bytes one chunk can hold. */
  public int room() {
    return buffer.capacity() - HEADROOM;
  }

  /** Time spent in sending so far. */
  public long nanosSending() {
    return nanosSending;
  }

  public boolean pending() {
    return buffer.position() > 0;
  }

  public void flush() throws PeerGone {
    if (buffer.position() == 0) {
      return;
    }
    long begin = System.nanoTime();
    buffer.flip();
    try {
      transport.write(buffer);
    } catch (IOException e) {
      throw new PeerGone(e);
    } finally {
      buffer.clear();
      nanosSending += System.nanoTime() - begin;
    }
  }

  /** Makes sure that this many bytes fit behind the position. */
  private void reserve(int bytes) throws PeerGone {
    if (buffer.remaining() < bytes) {
      flush();
    }
  }

  /** Success of a request that answers without data. */
  public void ok(Request request) throws PeerGone {
    reserve(HEADROOM);
    if (mode == Mode.SIMPLE) {
      simple(request, WireError.NONE);
    } else {
      chunk(request, Wire.REPLY_FLAG_DONE, Wire.REPLY_NONE, 0);
    }
  }

  public void error(Request request, int error, String message) throws PeerGone {
    reserve(HEADROOM + MESSAGE_BYTES);
    if (mode == Mode.SIMPLE) {
      simple(request, error);
      return;
    }
    errorChunk(request, Wire.REPLY_ERROR, error, message, 0);
  }

  /** The end of a reply in chunks: those before stay good, this is the first byte that failed. */
  public void errorAt(Request request, int error, String message, long offset) throws PeerGone {
    reserve(HEADROOM + MESSAGE_BYTES);
    errorChunk(request, Wire.REPLY_ERROR_OFFSET, error, message, Long.BYTES);
    buffer.putLong(offset);
  }

  private void errorChunk(Request request, int type, int error, String message, int more) {
    byte[] text = String.valueOf(message).getBytes(StandardCharsets.UTF_8);
    int bytes = WireText.cut(text, MESSAGE_BYTES);
    chunk(request, Wire.REPLY_FLAG_DONE, type, 6 + bytes + more);
    buffer.putInt(error).putShort((short) bytes).put(text, 0, bytes);
  }

  /**
   * Opens room for a data chunk; answers the buffer, set to just the place of the data. Exactly one
   * of {@link #closeData} and {@link #dropData} follows.
   */
  public ByteBuffer openData(int length) throws PeerGone {
    int header = dataHeader();
    reserve(header + length);
    int data = buffer.position() + header;
    return buffer.limit(data + length).position(data);
  }

  /** Seals the chunk just filled. */
  public void closeData(Request request, long offset, int length, boolean done) {
    closeData(request, offset, length, length, done);
  }

  /** Seals the chunk whose first {@code filled} bytes are there; the rest follows bare. */
  private void closeData(Request request, long offset, int length, int filled, boolean done) {
    int end = buffer.limit();
    buffer.limit(buffer.capacity()).position(end - filled - dataHeader());
    dataHeader(request, offset, length, done);
    buffer.position(end);
  }

  /** Takes back the room opened by {@link #openData}. */
  public void dropData(int length) {
    int end = buffer.limit();
    buffer.limit(buffer.capacity()).position(end - length - dataHeader());
  }

  /** Sends a data reply that is too long for the buffer and must not be split. */
  public void sendWhole(Request request, ByteBuffer data) throws PeerGone {
    flush();
    long begin = System.nanoTime();
    transport.hold();
    try {
      dataHeader(request, request.offset(), data.remaining(), true);
      flush();
      transport.write(data);
    } catch (PeerGone e) {
      throw e;
    } catch (IOException e) {
      throw new PeerGone(e);
    } finally {
      transport.release();
      nanosSending += System.nanoTime() - begin;
    }
  }

  /** Where the data of a reply comes from. */
  public interface Source {
    void read(ByteBuffer dst, long offset) throws IOException;
  }

  /**
   * As {@link #sendWhole}, for data that has no memory of its own: read and sent piece by piece. A
   * failure of the first piece is the caller's to answer. Success was told when a later one fails,
   * so all that is left is to end the connection, as the protocol has it.
   */
  public void sendInPieces(Request request, Source source) throws IOException {
    flush();
    int length = (int) request.length();
    int piece = Math.min(length, room());
    transport.hold();
    try {
      ByteBuffer data = openData(piece);
      boolean filled = false;
      try {
        source.read(data, request.offset());
        filled = true;
      } finally {
        if (!filled) {
          dropData(piece);
        }
      }
      closeData(request, request.offset(), length, piece, true);
      flush();
      for (int at = piece; at < length; at += piece) {
        readOn(source, request.offset() + at, Math.min(piece, length - at));
        flush();
      }
    } finally {
      transport.release();
    }
  }

  private void readOn(Source source, long offset, int piece) throws PeerGone {
    boolean filled = false;
    try {
      source.read(buffer.limit(piece), offset);
      filled = true;
    } catch (IOException | RuntimeException | OutOfMemoryError e) {
      throw new PeerGone(new IOException("read failed in the middle of its reply", e));
    } finally {
      if (!filled) {
        buffer.clear();
      }
    }
    buffer.position(piece).limit(buffer.capacity());
  }

  private int dataHeader() {
    return switch (mode) {
      case SIMPLE -> Wire.SIMPLE_REPLY_BYTES;
      case STRUCTURED -> Wire.STRUCTURED_REPLY_BYTES + Long.BYTES;
      case EXTENDED -> Wire.EXTENDED_REPLY_BYTES + Long.BYTES;
    };
  }

  private void dataHeader(Request request, long offset, int length, boolean done) {
    if (mode == Mode.SIMPLE) {
      simple(request, WireError.NONE);
    } else {
      int flags = done ? Wire.REPLY_FLAG_DONE : 0;
      chunk(request, flags, Wire.REPLY_OFFSET_DATA, Long.BYTES + length);
      buffer.putLong(offset);
    }
  }

  /** Opens a block status chunk for at most {@code descriptors}. */
  public void openStatus(Request request, int context, int descriptors, boolean done)
      throws PeerGone {
    reserve(HEADROOM + descriptors * 2 * Long.BYTES);
    statusStart = buffer.position();
    statusCount = 0;
    lastLength = 0;
    int flags = done ? Wire.REPLY_FLAG_DONE : 0;
    if (mode == Mode.EXTENDED) {
      chunk(request, flags, Wire.REPLY_BLOCK_STATUS_EXT, 0);
      buffer.putInt(context).putInt(0);
    } else {
      chunk(request, flags, Wire.REPLY_BLOCK_STATUS, 0);
      buffer.putInt(context);
    }
  }

  /**
   * Adds a descriptor, or lengthens the last where the flags are the same. False, and nothing
   * added, where it would be one more than {@code limit}.
   */
  public boolean status(long length, int flags, int limit) {
    if (statusCount > 0 && flags == lastFlags) {
      lastLength += length;
      return true;
    }
    if (statusCount == limit) {
      return false;
    }
    sealDescriptor();
    statusCount++;
    lastLength = length;
    lastFlags = flags;
    return true;
  }

  public void closeStatus() {
    sealDescriptor();
    if (mode == Mode.EXTENDED) {
      int payload = statusStart + Wire.EXTENDED_REPLY_BYTES;
      buffer.putLong(statusStart + 24, buffer.position() - payload);
      buffer.putInt(payload + Integer.BYTES, statusCount);
    } else {
      int payload = statusStart + Wire.STRUCTURED_REPLY_BYTES;
      buffer.putInt(statusStart + 16, buffer.position() - payload);
    }
  }

  /** Takes back the chunk opened by {@link #openStatus}. */
  public void dropStatus() {
    buffer.position(statusStart);
    lastLength = 0;
  }

  private void sealDescriptor() {
    if (lastLength == 0) {
      return;
    }
    if (mode == Mode.EXTENDED) {
      buffer.putLong(lastLength).putLong(lastFlags);
    } else {
      buffer.putInt((int) lastLength).putInt(lastFlags);
    }
    lastLength = 0;
  }

  private void simple(Request request, int error) {
    buffer.putInt(Wire.SIMPLE_REPLY_MAGIC).putInt(error).putLong(request.cookie());
  }

  private void chunk(Request request, int flags, int type, int payload) {
    if (mode == Mode.EXTENDED) {
      buffer.putInt(Wire.EXTENDED_REPLY_MAGIC).putShort((short) flags).putShort((short) type);
      buffer.putLong(request.cookie()).putLong(request.offset()).putLong(payload);
    } else {
      buffer.putInt(Wire.STRUCTURED_REPLY_MAGIC).putShort((short) flags).putShort((short) type);
      buffer.putLong(request.cookie()).putInt(payload);
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
package org.blksnap.nbd.internal.protocol;

import java.nio.ByteBuffer;

/**
 * The fields of one request header. Mutable and reused: the reader of a connection has one, each
 * request given to a worker has its own copy.
 */
public final class Request {
  private int flags;
  private int type;
  private long cookie;
  private long offset;
  private long length;

  public int flags() {
    return flags;
  }

  public int type() {
    return type;
  }

  public long cookie() {
    return cookie;
  }

  /** Bytes. */
  public long offset() {
    return offset;
  }

  /** Bytes. */
  public long length() {
    return length;
  }

  /** Sets all fields, as they were in a header. */
  public void set(int nextFlags, int nextType, long nextCookie, long nextOffset, long nextLength) {
    flags = nextFlags;
    type = nextType;
    cookie = nextCookie;
    offset = nextOffset;
    length = nextLength;
  }

  /** Reads the header at {@code at}; the magic is the caller's to check. */
  public void parse(ByteBuffer from, int at, Mode mode) {
    flags = from.getShort(at + Wire.REQUEST_FLAGS) & 0xffff;
    type = from.getShort(at + Wire.REQUEST_TYPE) & 0xffff;
    cookie = from.getLong(at + Wire.REQUEST_COOKIE);
    offset = from.getLong(at + Wire.REQUEST_OFFSET);
    length =
        mode == Mode.EXTENDED
            ? from.getLong(at + Wire.REQUEST_LENGTH)
            : from.getInt(at + Wire.REQUEST_LENGTH) & 0xffff_ffffL;
  }

  /** Bytes that follow the header. */
  public long payload(Mode mode) {
    boolean carried =
        type == Wire.CMD_WRITE || (mode == Mode.EXTENDED && has(Wire.CMD_FLAG_PAYLOAD_LEN));
    return carried ? length : 0;
  }

  public boolean has(int flag) {
    return (flags & flag) != 0;
  }

  public Request copy() {
    Request copy = new Request();
    copy.set(flags, type, cookie, offset, length);
    return copy;
  }
}

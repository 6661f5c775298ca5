// SPDX-License-Identifier: Apache-2.0
package org.blksnap.nbd.internal.protocol;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * What the client says in its handshake: its flags, then one option after the other. Used by the
 * connection's thread alone.
 *
 * <p>Bounds: the time is the transport's ({@link Transport.Wait#input} throws when it is over), an
 * option's data is at most {@link Wire#MAXIMUM_OPTION}, options are at most {@link
 * #MAXIMUM_OPTIONS}.
 */
public final class OptionReader {
  public static final int MAXIMUM_OPTIONS = 1024;

  private static final int KNOWN_FLAGS = Wire.HANDSHAKE_FIXED_NEWSTYLE | Wire.HANDSHAKE_NO_ZEROES;

  private final Transport.Wait wait;
  private final ByteBuffer in;
  private Transport transport;
  private ByteBuffer data;
  private int count;

  /** {@code in} is ready to be read from. */
  public OptionReader(Transport transport, Transport.Wait wait, ByteBuffer in) {
    this.transport = transport;
    this.wait = wait;
    this.in = in;
  }

  /** Reads from this pipe from now on. */
  public void over(Transport next) {
    transport = next;
  }

  /** The client's flags, its first word. */
  public int flags() throws IOException {
    need(Integer.BYTES);
    int flags = in.getInt();
    if ((flags & ~KNOWN_FLAGS) != 0) {
      throw new ProtocolViolation("unknown client flags 0x" + Integer.toHexString(flags));
    }
    return flags;
  }

  /** The number of the next option; {@link #data} is its data then. */
  public int next() throws IOException {
    if (count++ == MAXIMUM_OPTIONS) {
      throw new ProtocolViolation("more than " + MAXIMUM_OPTIONS + " options");
    }
    need(Wire.OPTION_BYTES);
    long magic = in.getLong();
    int option = in.getInt();
    int length = in.getInt();
    if (magic != Wire.IHAVEOPT) {
      throw new ProtocolViolation("option magic 0x" + Long.toHexString(magic));
    }
    if (length < 0 || length > Wire.MAXIMUM_OPTION) {
      throw new ProtocolViolation(
          "option " + option + " of " + Integer.toUnsignedString(length) + " bytes");
    }
    need(length);
    data = in.slice(in.position(), length);
    in.position(in.position() + length);
    return option;
  }

  /** Exactly the data of the present option, until the next one. */
  public ByteBuffer data() {
    return data;
  }

  /** Bytes were received behind the present option. */
  public boolean more() {
    return in.hasRemaining();
  }

  /** Makes sure that this many bytes lie in {@code in}. */
  private void need(int bytes) throws IOException {
    while (in.remaining() < bytes) {
      if (in.capacity() - in.position() < bytes || !in.hasRemaining()) {
        in.compact().flip();
      }
      int begin = in.position();
      in.position(in.limit()).limit(in.capacity());
      int got;
      try {
        got = transport.read(in);
      } finally {
        in.limit(in.position()).position(begin);
      }
      if (got < 0) {
        throw new PeerGone(new EOFException("client left in its handshake"));
      }
      if (got == 0) {
        wait.input(transport);
      }
    }
  }
}

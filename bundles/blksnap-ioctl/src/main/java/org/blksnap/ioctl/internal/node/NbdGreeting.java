// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.node;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Locale;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;

/**
 * The client's part of NBD's fixed newstyle negotiation, up to the first request: nothing is agreed
 * on but the export, so replies are simple ones, as the kernel wants them. All numbers are
 * big-endian.
 *
 * <pre>
 * server   0/8 "NBDMAGIC"   8/8 "IHAVEOPT"   16/2 flags: 1 fixed newstyle, 2 no zeroes
 * client   0/4 flags, of those two
 * client   0/8 "IHAVEOPT"   8/4 option 7 (GO)   12/4 length
 *          16/4 length of the name, name, 2 number of wishes, 2 each: 3 (block sizes)
 * server   0/8 0x0003e889045565a9   8/4 option   12/4 kind   16/4 length, then so many bytes:
 *          kind 3 (information):  0/2 0 export: 2/8 size, 10/2 flags
 *                                 0/2 3 block sizes: 2/4 least, 6/4 preferred, 10/4 most
 *          kind 1 (done); kinds from 0x80000001: refused, with a text
 * </pre>
 */
final class NbdGreeting {
  static final long MAGIC = 0x4e42444d41474943L;
  static final long OPTION_MAGIC = 0x49484156454f5054L;
  static final long REPLY_MAGIC = 0x3e889045565a9L;
  static final int FIXED_NEWSTYLE = 1;
  static final int NO_ZEROES = 2;
  static final int GO = 7;
  static final int INFO_EXPORT = 0;
  static final int INFO_BLOCK_SIZE = 3;
  static final int REPLY_ACK = 1;
  static final int REPLY_INFO = 3;
  static final int REPLY_ERROR = 0x80000000;
  static final int REPLY_UNKNOWN = 0x80000006;
  static final int REPLY_TLS = 0x80000005;

  static final int FLAG_READ_ONLY = 1 << 1;
  static final int FLAG_MULTI_CONN = 1 << 8;

  /** The protocol's own bound on a name. */
  static final int MOST_NAME = 4096;

  private static final int MOST_REPLY = 65536;
  private static final int MOST_REPLIES = 64;

  /**
   * What the server said of the export.
   *
   * @param flags the transmission flags, as the kernel takes them
   * @param leastBlock bytes; 0 where it did not say
   */
  record Terms(long size, int flags, int leastBlock) {
    boolean readOnly() {
      return (flags & FLAG_READ_ONLY) != 0;
    }

    boolean multiConn() {
      return (flags & FLAG_MULTI_CONN) != 0;
    }
  }

  private final Descriptor server;
  private final String export;
  private final Deadline deadline;

  NbdGreeting(Descriptor server, String export, Deadline deadline) {
    this.server = server;
    this.export = export;
    this.deadline = deadline;
  }

  Terms negotiate() throws BlksnapException {
    ByteBuffer hello = read(18);
    if (hello.getLong(0) != MAGIC || hello.getLong(8) != OPTION_MAGIC) {
      throw nonsense("does not greet as an NBD server");
    }
    int flags = hello.getShort(16);
    if ((flags & FIXED_NEWSTYLE) == 0) {
      throw nonsense("speaks an NBD too old to name exports");
    }
    ByteBuffer answer = ByteBuffer.allocate(4).putInt(flags & (FIXED_NEWSTYLE | NO_ZEROES));
    server.send(answer.array(), deadline);
    server.send(go(export), deadline);
    long size = -1;
    int transmission = 0;
    int least = 0;
    for (int replies = 0; replies < MOST_REPLIES; replies++) {
      ByteBuffer header = read(20);
      int kind = header.getInt(12);
      int length = header.getInt(16);
      if (header.getLong(0) != REPLY_MAGIC || header.getInt(8) != GO) {
        throw nonsense("answers what was not asked");
      }
      if (length < 0 || length > MOST_REPLY) {
        throw nonsense("answers with " + Integer.toUnsignedString(length) + " bytes");
      }
      ByteBuffer data = read(length);
      if ((kind & REPLY_ERROR) != 0) {
        throw refused(kind, StandardCharsets.UTF_8.decode(data).toString());
      }
      if (kind == REPLY_ACK) {
        if (size < 0) {
          throw nonsense("agrees without telling the size");
        }
        return new Terms(size, transmission, least);
      }
      if (kind != REPLY_INFO || length < 2) {
        continue;
      }
      int information = data.getShort(0);
      if (information == INFO_EXPORT && length == 12) {
        size = data.getLong(2);
        transmission = data.getShort(10) & 0xffff;
      } else if (information == INFO_BLOCK_SIZE && length == 14) {
        least = data.getInt(2);
      }
    }
    throw nonsense("gave " + MOST_REPLIES + " answers and no end");
  }

  static byte[] go(String export) {
    byte[] name = export.getBytes(StandardCharsets.UTF_8);
    int length = 4 + name.length + 2 + 2;
    return ByteBuffer.allocate(16 + length)
        .putLong(OPTION_MAGIC)
        .putInt(GO)
        .putInt(length)
        .putInt(name.length)
        .put(name)
        .putShort((short) 1)
        .putShort((short) INFO_BLOCK_SIZE)
        .array();
  }

  private ByteBuffer read(int length) throws BlksnapException {
    ByteBuffer all = ByteBuffer.allocate(length);
    while (all.hasRemaining()) {
      byte[] piece = new byte[all.remaining()];
      int got = server.receive(piece, 0, deadline);
      if (got == 0) {
        throw nonsense("hung up");
      }
      all.put(Arrays.copyOf(piece, got));
    }
    return all.flip();
  }

  private BlksnapException refused(int kind, String text) {
    String plain = text.replaceAll("\\p{Cntrl}+", " ").strip();
    String why = plain.isEmpty() ? "code " + Integer.toHexString(kind) : plain;
    Errno errno =
        switch (kind) {
          case REPLY_UNKNOWN -> Errno.ENOENT;
          case REPLY_TLS -> Errno.EACCES;
          default -> Errno.EINVAL;
        };
    return new BlksnapException(
        errno,
        "export \"" + export + "\" refused by the NBD server: " + why.toLowerCase(Locale.ROOT));
  }

  private BlksnapException nonsense(String what) {
    return new BlksnapException(
        Errno.EIO, "export \"" + export + "\" not connected: the server " + what);
  }
}

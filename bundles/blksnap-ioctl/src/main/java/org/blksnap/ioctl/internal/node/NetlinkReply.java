// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.node;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/**
 * A netlink message as it came: the last word on a request, or data.
 *
 * <pre>
 * the last word (type 2):
 * 16/4  0 or the negated errno   20/16  header of the request
 * 36/…  with flag 0x200 attributes: 1 what is the matter, text; before them, without flag 0x100,
 *       the request's payload
 * </pre>
 *
 * @param type 2 for the last word, else the family's number
 * @param sequence of the request; 0 of news that nobody asked for
 * @param command of data; 0 of the last word
 * @param error of the last word, 0 or the negated errno
 * @param attributes those of data, or what the kernel adds to an error
 */
record NetlinkReply(int type, int sequence, int command, int error, Attributes attributes) {
  static final int TYPE_NOOP = 1;
  static final int TYPE_ERROR = 2;
  static final int FLAG_CAPPED = 0x100;
  static final int FLAG_TEXTS = 0x200;
  static final int TEXT = 1;

  private static final int ERROR_HEADER = NetlinkRequest.HEADER + 4 + NetlinkRequest.HEADER;

  boolean last() {
    return type == TYPE_ERROR;
  }

  /** What the kernel says about an error, beside its number; empty where nothing. */
  String text() {
    return last() ? attributes.text(TEXT).orElse("") : "";
  }

  /** Those of a datagram; one that does not fit in it ends the row. */
  static List<NetlinkReply> parse(byte[] datagram, int length) {
    List<NetlinkReply> found = new ArrayList<>();
    ByteBuffer all = ByteBuffer.wrap(datagram, 0, length).slice().order(ByteOrder.LITTLE_ENDIAN);
    int at = 0;
    while (length - at >= NetlinkRequest.GENERIC_HEADER) {
      int size = all.getInt(at);
      if (size < NetlinkRequest.GENERIC_HEADER || size > length - at) {
        break;
      }
      ByteBuffer message = all.slice(at, size).order(ByteOrder.LITTLE_ENDIAN);
      if ((message.getShort(4) & 0xffff) != TYPE_NOOP) {
        found.add(one(message));
      }
      at += Attributes.padded(size);
      if (at > length) {
        break;
      }
    }
    return found;
  }

  private static NetlinkReply one(ByteBuffer message) {
    int type = message.getShort(4) & 0xffff;
    int sequence = message.getInt(8);
    if (type != TYPE_ERROR) {
      message.position(NetlinkRequest.GENERIC_HEADER);
      return new NetlinkReply(type, sequence, message.get(16), 0, new Attributes(message));
    }
    int flags = message.getShort(6) & 0xffff;
    int begin = message.limit();
    if ((flags & FLAG_TEXTS) != 0 && message.limit() >= ERROR_HEADER) {
      int echoed = message.getInt(NetlinkRequest.GENERIC_HEADER) - NetlinkRequest.HEADER;
      boolean whole = (flags & FLAG_CAPPED) == 0 && echoed > 0;
      long behind = ERROR_HEADER + (whole ? ((long) echoed + 3) / 4 * 4 : 0);
      begin = (int) Math.min(behind, message.limit());
    }
    message.position(begin);
    return new NetlinkReply(type, sequence, 0, message.getInt(16), new Attributes(message));
  }
}

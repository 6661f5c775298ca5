// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.node;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * A generic netlink message as it is sent.
 *
 * <pre>
 *  0/4  length of all      4/2  type: the family's number   6/2  flags
 *  8/4  sequence number   12/4  port: 0, the kernel knows
 * 16/1  command           17/1  version                    18/2  reserved
 * 20/…  attributes
 * </pre>
 */
final class NetlinkRequest {
  static final int HEADER = 16;
  static final int GENERIC_HEADER = 20;
  static final int FLAG_REQUEST = 0x1;
  static final int FLAG_ACK = 0x4;

  private static final int MOST_BYTES = 16384;

  private final ByteBuffer message = ByteBuffer.allocate(MOST_BYTES).order(ByteOrder.LITTLE_ENDIAN);

  NetlinkRequest(int family, int command, int version) {
    message.position(GENERIC_HEADER);
    message.putShort(4, (short) family).putShort(6, (short) (FLAG_REQUEST | FLAG_ACK));
    message.put(16, (byte) command).put(17, (byte) version);
  }

  NetlinkRequest number32(int type, long value) {
    int at = begin(type);
    message.putInt((int) value);
    return end(at);
  }

  NetlinkRequest number64(int type, long value) {
    int at = begin(type);
    message.putLong(value);
    return end(at);
  }

  /** With a NUL behind it. */
  NetlinkRequest text(int type, String value) {
    int at = begin(type);
    message.put(value.getBytes(StandardCharsets.UTF_8)).put((byte) 0);
    return end(at);
  }

  /** Begins one that holds others; {@link #end} takes the answer. */
  int begin(int type) {
    int at = message.position();
    message.putShort((short) 0).putShort((short) type);
    return at;
  }

  NetlinkRequest end(int at) {
    message.putShort(at, (short) (message.position() - at));
    while (message.position() % 4 != 0) {
      message.put((byte) 0);
    }
    return this;
  }

  byte[] bytes(int sequence) {
    message.putInt(0, message.position()).putInt(8, sequence);
    return Arrays.copyOf(message.array(), message.position());
  }
}

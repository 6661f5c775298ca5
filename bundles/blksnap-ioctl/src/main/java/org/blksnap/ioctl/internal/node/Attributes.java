// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.node;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A row of netlink attributes as it came.
 *
 * <pre>
 * length 0/2 (with these four bytes), type 2/2 (upper two bits: flags), payload 4/…, padded to 4
 * </pre>
 *
 * What does not fit in its surroundings ends the row: the kernel is believed no further than what
 * was received.
 */
final class Attributes {
  static final int HEADER = 4;
  static final int TYPE_MASK = 0x3fff;
  static final int NESTED = 0x8000;

  private record One(int type, ByteBuffer payload) {}

  private final List<One> row = new ArrayList<>();

  /** Of the buffer from its position to its limit. */
  Attributes(ByteBuffer from) {
    ByteBuffer rest = from.slice().order(ByteOrder.LITTLE_ENDIAN);
    int at = 0;
    while (rest.limit() - at >= HEADER) {
      int length = rest.getShort(at) & 0xffff;
      if (length < HEADER || length > rest.limit() - at) {
        return;
      }
      ByteBuffer payload = rest.slice(at + HEADER, length - HEADER).order(ByteOrder.LITTLE_ENDIAN);
      row.add(new One(rest.getShort(at + Short.BYTES) & TYPE_MASK, payload));
      at += padded(length);
    }
  }

  static int padded(int length) {
    return (length + 3) & ~3;
  }

  /** The first of this type. */
  Optional<ByteBuffer> find(int type) {
    return row.stream().filter(one -> one.type() == type).map(One::payload).findFirst();
  }

  /** An unsigned integer of 1, 2, 4 or 8 bytes; empty where there is none of that length. */
  Optional<Long> number(int type) {
    return find(type)
        .flatMap(
            payload ->
                switch (payload.limit()) {
                  case Byte.BYTES -> Optional.of(payload.get(0) & 0xffL);
                  case Short.BYTES -> Optional.of(payload.getShort(0) & 0xffffL);
                  case Integer.BYTES -> Optional.of(payload.getInt(0) & 0xffff_ffffL);
                  case Long.BYTES -> Optional.of(payload.getLong(0));
                  default -> Optional.empty();
                });
  }

  /** Up to its NUL, if it has one. */
  Optional<String> text(int type) {
    return find(type)
        .map(
            payload -> {
              int length = 0;
              while (length < payload.limit() && payload.get(length) != 0) {
                length++;
              }
              byte[] bytes = new byte[length];
              payload.get(0, bytes);
              return new String(bytes, StandardCharsets.UTF_8);
            });
  }

  /** Of one that holds others; an empty row where it is not there. */
  Attributes within(int type) {
    return new Attributes(find(type).orElse(ByteBuffer.allocate(0)));
  }

  /** Each as a row of its own, whatever its type: a list. */
  List<Attributes> items() {
    return row.stream().map(one -> new Attributes(one.payload())).toList();
  }
}

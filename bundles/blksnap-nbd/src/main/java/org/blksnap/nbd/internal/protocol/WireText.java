// SPDX-License-Identifier: Apache-2.0
package org.blksnap.nbd.internal.protocol;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** Strings as the protocol has them: UTF-8, at most {@link Wire#MAXIMUM_STRING} bytes, no zero. */
public final class WireText {
  private WireText() {}

  /** A UTF-8 string of the protocol; null where it is too long, cut off or malformed. */
  public static String read(ByteBuffer data, int length) {
    if (length < 0 || length > data.remaining() || length > Wire.MAXIMUM_STRING) {
      return null;
    }
    ByteBuffer bytes = data.slice(data.position(), length);
    data.position(data.position() + length);
    try {
      String text = StandardCharsets.UTF_8.newDecoder().decode(bytes).toString();
      return text.indexOf('\0') >= 0 ? null : text;
    } catch (CharacterCodingException e) {
      return null;
    }
  }

  /** The bytes of a text, cut where the protocol would not take more. */
  static byte[] bytes(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    int length = cut(bytes, Wire.MAXIMUM_STRING);
    return length == bytes.length ? bytes : Arrays.copyOf(bytes, length);
  }

  /** Length of the longest whole-character prefix of at most {@code limit} bytes. */
  public static int cut(byte[] utf8, int limit) {
    if (utf8.length <= limit) {
      return utf8.length;
    }
    int end = limit;
    while (end > 0 && (utf8[end] & 0xc0) == 0x80) {
      end--;
    }
    return end;
  }
}

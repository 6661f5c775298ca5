// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.layout;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.util.HexFormat;
import java.util.UUID;

/** A struct with a value in every field, byte for byte. */
final class GoldenBytes {
  static final UUID ID = UUID.fromString("01234567-89ab-cdef-fedc-ba9876543210");
  static final String ID_BYTES = "0123456789abcdef fedcba9876543210 ";

  /** The filter's name in 32 bytes. */
  static final String BLKSNAP = "626c6b736e617000 0000000000000000 0*16 ";

  private GoldenBytes() {}

  /** Words of hex digits; {@code 0*n} stands for n bytes of zeroes. */
  static void golden(Layout struct, String bytes, Object... fieldsAndValues) {
    ByteBuffer memory = struct.allocate();
    for (int i = 0; i < fieldsAndValues.length; i += 2) {
      Layout.Field field = (Layout.Field) fieldsAndValues[i];
      Object value = fieldsAndValues[i + 1];
      assertTrue(struct.fields().contains(field), field + " of " + struct.name());
      if (value instanceof UUID id) {
        field.put(memory, id);
        assertEquals(id, field.uuid(memory));
      } else if (value instanceof String text) {
        field.put(memory, text);
        assertEquals(text, field.text(memory));
      } else {
        field.put(memory, ((Number) value).longValue());
        assertEquals(((Number) value).longValue(), field.get(memory));
      }
    }
    StringBuilder expected = new StringBuilder();
    for (String word : bytes.trim().split(" +", -1)) {
      expected.append(
          word.startsWith("0*") ? "00".repeat(Integer.parseInt(word.substring(2))) : word);
    }
    byte[] encoded = new byte[struct.size()];
    memory.get(0, encoded);
    assertEquals(expected.toString(), HexFormat.of().formatHex(encoded), struct.name());
  }
}

// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.layout;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;

/**
 * A C struct as 64-bit little-endian Linux lays it out: names, offsets and sizes, and access to
 * them in a buffer of that order. Filled once, while the class that declares it is made; then
 * immutable.
 */
public final class Layout {
  /**
   * A place in a struct.
   *
   * @param name as in C
   * @param offset bytes from the struct's beginning
   * @param size bytes
   */
  public record Field(String name, int offset, int size) {
    /** The unsigned integer there; of eight bytes as it is. */
    public long get(ByteBuffer struct) {
      return switch (size) {
        case 1 -> struct.get(offset) & 0xffL;
        case 2 -> struct.getShort(offset) & 0xffffL;
        case 4 -> struct.getInt(offset) & 0xffff_ffffL;
        case 8 -> struct.getLong(offset);
        default -> throw new IllegalStateException(name + " is no integer");
      };
    }

    /** Puts the low bytes of the value there. */
    public void put(ByteBuffer struct, long value) {
      switch (size) {
        case 1 -> struct.put(offset, (byte) value);
        case 2 -> struct.putShort(offset, (short) value);
        case 4 -> struct.putInt(offset, (int) value);
        case 8 -> struct.putLong(offset, value);
        default -> throw new IllegalStateException(name + " is no integer");
      }
    }

    /** Sixteen raw bytes in the order of RFC 4122. */
    public UUID uuid(ByteBuffer struct) {
      ByteBuffer network = struct.duplicate().order(ByteOrder.BIG_ENDIAN);
      return new UUID(network.getLong(offset), network.getLong(offset + Long.BYTES));
    }

    public void put(ByteBuffer struct, UUID value) {
      ByteBuffer network = struct.duplicate().order(ByteOrder.BIG_ENDIAN);
      network.putLong(offset, value.getMostSignificantBits());
      network.putLong(offset + Long.BYTES, value.getLeastSignificantBits());
    }

    /** The bytes up to the first zero, or all. */
    public String text(ByteBuffer struct) {
      int length = 0;
      while (length < size && struct.get(offset + length) != 0) {
        length++;
      }
      byte[] bytes = new byte[length];
      struct.get(offset, bytes);
      return new String(bytes, StandardCharsets.UTF_8);
    }

    /** As many bytes as fit, the rest zero. */
    public void put(ByteBuffer struct, String value) {
      byte[] bytes = value.getBytes(StandardCharsets.UTF_8);
      for (int i = 0; i < size; i++) {
        struct.put(offset + i, i < bytes.length ? bytes[i] : 0);
      }
    }
  }

  private final String name;
  private final int size;
  private final List<Field> fields = new ArrayList<>();

  Layout(String name, int size) {
    this.name = name;
    this.size = size;
  }

  Field field(String fieldName, int offset, int fieldSize) {
    Field field = new Field(fieldName, offset, fieldSize);
    fields.add(field);
    return field;
  }

  /** As in C. */
  public String name() {
    return name;
  }

  /** Bytes, with what the compiler pads. */
  public int size() {
    return size;
  }

  /** In their order. */
  public List<Field> fields() {
    return List.copyOf(fields);
  }

  /** A zeroed struct, direct, so that its address can be handed over. */
  public ByteBuffer allocate() {
    return buffer(ByteBuffer.allocateDirect(size));
  }

  /** The buffer in the order that fields are read in. */
  public static ByteBuffer buffer(ByteBuffer bytes) {
    return bytes.order(ByteOrder.LITTLE_ENDIAN);
  }
}

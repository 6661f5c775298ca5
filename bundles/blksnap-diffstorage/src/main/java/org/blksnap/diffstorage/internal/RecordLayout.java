// SPDX-License-Identifier: Apache-2.0
package org.blksnap.diffstorage.internal;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.zip.CRC32C;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;

/**
 * One part of a pool as bytes, little-endian.
 *
 * <pre>
 *   0   4  length of the record, a multiple of 8
 *   4   4  CRC32C of the record, with this field zero
 *   8   1  kind: 1 range, 2 file made by us, 3 memory, 4 directory
 *   9   1  zero
 *  10   2  length of the key, bytes
 *  12   2  length of the path, bytes
 *  14   2  zero
 *  16   4  logical block, bytes
 *  20   4  zero
 *  24   8  base: where the part begins in the pool, bytes
 *  32   8  length of the part, bytes; a directory's limit
 *  40   8  offset in the file, bytes
 *  48      key, path (UTF-8), zeroes up to a multiple of 8
 * </pre>
 */
final class RecordLayout {
  static final int LENGTH = 0;
  static final int CRC = 4;
  static final int KIND = 8;
  static final int KEY_LENGTH = 10;
  static final int PATH_LENGTH = 12;
  static final int LOGICAL_BLOCK = 16;
  static final int BASE = 24;
  static final int PART_LENGTH = 32;
  static final int OFFSET = 40;
  static final int TEXT = 48;

  /** Longest key or path, bytes: both lengths are 16 bits. */
  static final int MAX_TEXT = 4_096;

  private RecordLayout() {}

  /** Takes one record from the buffer; null where it is cut off or damaged. */
  static PartRecord decode(ByteBuffer all) {
    int length = all.remaining() < TEXT ? -1 : all.getInt(all.position() + LENGTH);
    if (length < TEXT || length > all.remaining()) {
      return null;
    }
    ByteBuffer record = all.slice(all.position(), length).order(ByteOrder.LITTLE_ENDIAN);
    all.position(all.position() + length);
    int expected = record.getInt(CRC);
    record.putInt(CRC, 0);
    PartRecord.Kind kind = PartRecord.Kind.of(record.get(KIND));
    if (crc(record, length) != expected || kind == null) {
      return null;
    }
    int keyLength = Short.toUnsignedInt(record.getShort(KEY_LENGTH));
    int pathLength = Short.toUnsignedInt(record.getShort(PATH_LENGTH));
    return new PartRecord(
        kind,
        record.getInt(LOGICAL_BLOCK),
        record.getLong(BASE),
        record.getLong(PART_LENGTH),
        record.getLong(OFFSET),
        text(record, TEXT, keyLength),
        text(record, TEXT + keyLength, pathLength));
  }

  private static String text(ByteBuffer record, int from, int length) {
    byte[] bytes = new byte[length];
    record.get(from, bytes);
    return new String(bytes, StandardCharsets.UTF_8);
  }

  /** ENAMETOOLONG where key or path do not fit. */
  static byte[] encode(PartRecord part) throws BlksnapException {
    byte[] key = part.key().getBytes(StandardCharsets.UTF_8);
    byte[] path = part.path().getBytes(StandardCharsets.UTF_8);
    if (key.length > MAX_TEXT || path.length > MAX_TEXT) {
      throw new BlksnapException(
          Errno.ENAMETOOLONG,
          "path of "
              + path.length
              + " bytes refused: allowed are "
              + MAX_TEXT
              + "; use a shorter one");
    }
    int length = (TEXT + key.length + path.length + 7) & ~7;
    ByteBuffer record = ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
    record.putInt(LENGTH, length).put(KIND, (byte) part.kind().number);
    record.putShort(KEY_LENGTH, (short) key.length);
    record.putShort(PATH_LENGTH, (short) path.length);
    record.putInt(LOGICAL_BLOCK, part.logicalBlock()).putLong(BASE, part.base());
    record.putLong(PART_LENGTH, part.length()).putLong(OFFSET, part.offset());
    record.put(TEXT, key).put(TEXT + key.length, path);
    record.putInt(CRC, crc(record, length));
    return record.array();
  }

  /** Of the first {@code length} bytes. */
  static int crc(ByteBuffer bytes, int length) {
    CRC32C crc = new CRC32C();
    crc.update(bytes.slice(0, length));
    return (int) crc.getValue();
  }
}

// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.layout;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.reflect.Field;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.Test;

/** Each struct of each dialect with a value in every field, byte for byte, and each word. */
class GoldenBytesTest {
  private static final UUID ID = UUID.fromString("01234567-89ab-cdef-fedc-ba9876543210");
  private static final String ID_BYTES = "0123456789abcdef fedcba9876543210 ";
  private static final String BLKSNAP = "626c6b736e617000 0000000000000000 0*16 ";

  /** Words of hex digits; {@code 0*n} stands for n bytes of zeroes. */
  private static void golden(Layout struct, String bytes, Object... fieldsAndValues) {
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

  @Test
  void seedStructs() {
    golden(
        Seed.VERSION,
        "0200 0304 0506 0708",
        Seed.VERSION_MAJOR,
        2,
        Seed.VERSION_MINOR,
        0x0403,
        Seed.VERSION_REVISION,
        0x0605,
        Seed.VERSION_BUILD,
        0x0807);
    golden(Seed.UUID, ID_BYTES, Seed.UUID_B, ID);
    golden(
        Seed.APPEND_STORAGE,
        ID_BYTES + "8877665544332211 04030201 0d0c0b0a ffeeddccbbaa9988",
        Seed.APPEND_ID,
        ID,
        Seed.APPEND_PATH,
        0x1122334455667788L,
        Seed.APPEND_PATH_SIZE,
        0x01020304,
        Seed.APPEND_COUNT,
        0x0a0b0c0d,
        Seed.APPEND_RANGES,
        0x8899aabbccddeeffL);
    golden(
        Seed.SECTORS,
        "0800000000000000 0102000000000000",
        Seed.SECTORS_OFFSET,
        8,
        Seed.SECTORS_COUNT,
        513);
    golden(
        Seed.COLLECT,
        "03000000 00000000 8877665544332211",
        Seed.COLLECT_COUNT,
        3,
        Seed.COLLECT_IDS,
        0x1122334455667788L);
    golden(
        Seed.EVENT,
        ID_BYTES + "e8030000 01000000 00ca9a3b00000000 0*4064",
        Seed.EVENT_ID,
        ID,
        Seed.EVENT_TIMEOUT,
        1000,
        Seed.EVENT_CODE,
        1,
        Seed.EVENT_TIME,
        1_000_000_000L);
    golden(Seed.LOW_FREE_SPACE, "0000200000000000", Seed.LOW_REQUESTED, 2_097_152);
    golden(
        Seed.CORRUPTED,
        "fd000000 05000000 1c000000",
        Seed.CORRUPTED_MAJOR,
        253,
        Seed.CORRUPTED_MINOR,
        5,
        Seed.CORRUPTED_ERROR,
        28);
  }

  @Test
  void seedFilterStructs() {
    golden(Seed.NAME, BLKSNAP, Seed.NAME_NAME, "blksnap");
    golden(
        Seed.CTL,
        BLKSNAP + "04000000 24000000 8877665544332211",
        Seed.CTL_NAME,
        "blksnap",
        Seed.CTL_CMD,
        4,
        Seed.CTL_OPTLEN,
        36,
        Seed.CTL_OPT,
        0x1122334455667788L);
    golden(
        Seed.CBTINFO,
        "0000000000010000 00000800 00002000 " + ID_BYTES + "ff 0*7",
        Seed.CBTINFO_CAPACITY,
        1L << 40,
        Seed.CBTINFO_BLOCK_SIZE,
        1 << 19,
        Seed.CBTINFO_BLOCK_COUNT,
        1 << 21,
        Seed.CBTINFO_GENERATION,
        ID,
        Seed.CBTINFO_NUMBER,
        255);
    golden(
        Seed.CBTMAP,
        "ffffffff 00100000 8877665544332211",
        Seed.CBTMAP_OFFSET,
        0xffff_ffffL,
        Seed.CBTMAP_LENGTH,
        4096,
        Seed.CBTMAP_BUFFER,
        0x1122334455667788L);
    golden(
        Seed.CBTDIRTY,
        "02000000 00000000 8877665544332211",
        Seed.CBTDIRTY_COUNT,
        2,
        Seed.CBTDIRTY_SECTORS,
        0x1122334455667788L);
    golden(Seed.SNAPSHOTADD, ID_BYTES, Seed.SNAPSHOTADD_ID, ID);
    golden(
        Seed.SNAPSHOTINFO,
        "e4ffffff 626c6b736e61702d 696d6167655f3235 333a300000000000 0*8",
        Seed.SNAPSHOTINFO_ERROR,
        0xffff_ffe4L,
        Seed.SNAPSHOTINFO_IMAGE,
        "blksnap-image_253:0");
  }

  @Test
  void upstreamStructs() {
    golden(
        Upstream.CREATE,
        "0000100000000000 8877665544332211 " + ID_BYTES,
        Upstream.CREATE_LIMIT,
        1 << 20,
        Upstream.CREATE_FILENAME,
        0x1122334455667788L,
        Upstream.CREATE_ID,
        ID);
    golden(
        Upstream.CREATE_6,
        "0000100000000000 07000000 " + ID_BYTES + "00000000",
        Upstream.CREATE_6_LIMIT,
        1 << 20,
        Upstream.CREATE_6_FD,
        7,
        Upstream.CREATE_6_ID,
        ID);
    golden(
        Upstream.ATTACH,
        BLKSNAP + "8877665544332211 10000000 00000000",
        Upstream.ATTACH_NAME,
        "blksnap",
        Upstream.ATTACH_OPT,
        0x1122334455667788L,
        Upstream.ATTACH_OPTLEN,
        16);
  }

  @Test
  void veeam7Structs() {
    golden(
        Veeam7.MODIFICATION,
        "0300000000000000 5645454d00000000 0*24",
        Veeam7.MODIFICATION_FLAGS,
        3,
        Veeam7.MODIFICATION_NAME,
        "VEEM");
    golden(
        Veeam7.APPEND_STORAGE,
        ID_BYTES + "8877665544332211 05000000 00000000 ffeeddccbbaa9988",
        Veeam7.APPEND_ID,
        ID,
        Veeam7.APPEND_PATH,
        0x1122334455667788L,
        Veeam7.APPEND_COUNT,
        5,
        Veeam7.APPEND_RANGES,
        0x8899aabbccddeeffL);
    golden(
        Veeam7.NAME,
        "8877665544332211 " + BLKSNAP,
        Veeam7.NAME_PATH,
        0x1122334455667788L,
        Veeam7.NAME_NAME,
        "blksnap");
    golden(
        Veeam7.ATTACH,
        "8877665544332211 " + BLKSNAP + "ffeeddccbbaa9988 10000000 00000000",
        Veeam7.ATTACH_PATH,
        0x1122334455667788L,
        Veeam7.ATTACH_NAME,
        "blksnap",
        Veeam7.ATTACH_OPT,
        0x8899aabbccddeeffL,
        Veeam7.ATTACH_OPTLEN,
        16);
    golden(
        Veeam7.CTL,
        "8877665544332211 " + BLKSNAP + "01000000 10000000 ffeeddccbbaa9988",
        Veeam7.CTL_PATH,
        0x1122334455667788L,
        Veeam7.CTL_NAME,
        "blksnap",
        Veeam7.CTL_CMD,
        1,
        Veeam7.CTL_OPTLEN,
        16,
        Veeam7.CTL_OPT,
        0x8899aabbccddeeffL);
  }

  @Test
  void veeam6Structs() {
    golden(Veeam6.DEV, "fd000000 05000000", Veeam6.DEV_MAJOR, 253, Veeam6.DEV_MINOR, 5);
    golden(
        Veeam6.TRACKERS,
        "02000000 00000000 8877665544332211",
        Veeam6.TRACKERS_COUNT,
        2,
        Veeam6.TRACKERS_ARRAY,
        0x1122334455667788L);
    golden(
        Veeam6.CBT_INFO,
        "fd000000 05000000 00000100 00000000 0000001000000000 00100000 " + ID_BYTES + "09 0*3",
        Veeam6.CBT_INFO_MAJOR,
        253,
        Veeam6.CBT_INFO_MINOR,
        5,
        Veeam6.CBT_INFO_BLOCK_SIZE,
        65_536,
        Veeam6.CBT_INFO_CAPACITY,
        1L << 28,
        Veeam6.CBT_INFO_BLOCK_COUNT,
        4096,
        Veeam6.CBT_INFO_GENERATION,
        ID,
        Veeam6.CBT_INFO_NUMBER,
        9);
    golden(
        Veeam6.READ_MAP,
        "fd000000 05000000 10000000 00020000 8877665544332211",
        Veeam6.READ_MAP_MAJOR,
        253,
        Veeam6.READ_MAP_MINOR,
        5,
        Veeam6.READ_MAP_OFFSET,
        16,
        Veeam6.READ_MAP_LENGTH,
        512,
        Veeam6.READ_MAP_BUFFER,
        0x1122334455667788L);
    golden(
        Veeam6.MARK_DIRTY,
        "fd000000 05000000 02000000 00000000 8877665544332211",
        Veeam6.MARK_DIRTY_MAJOR,
        253,
        Veeam6.MARK_DIRTY_MINOR,
        5,
        Veeam6.MARK_DIRTY_COUNT,
        2,
        Veeam6.MARK_DIRTY_RANGES,
        0x1122334455667788L);
  }

  @Test
  void veeam6SnapshotStructs() {
    golden(
        Veeam6.CREATE,
        "02000000 00000000 8877665544332211 " + ID_BYTES,
        Veeam6.CREATE_COUNT,
        2,
        Veeam6.CREATE_DEVICES,
        0x1122334455667788L,
        Veeam6.CREATE_ID,
        ID);
    golden(
        Veeam6.APPEND_STORAGE,
        ID_BYTES + "fd000000 05000000 02000000 00000000 8877665544332211",
        Veeam6.APPEND_ID,
        ID,
        Veeam6.APPEND_MAJOR,
        253,
        Veeam6.APPEND_MINOR,
        5,
        Veeam6.APPEND_COUNT,
        2,
        Veeam6.APPEND_RANGES,
        0x1122334455667788L);
    golden(
        Veeam6.IMAGES,
        ID_BYTES + "02000000 00000000 8877665544332211",
        Veeam6.IMAGES_ID,
        ID,
        Veeam6.IMAGES_COUNT,
        2,
        Veeam6.IMAGES_ARRAY,
        0x1122334455667788L);
    golden(
        Veeam6.IMAGE,
        "fd000000 05000000 fb000000 07000000",
        Veeam6.IMAGE_MAJOR,
        253,
        Veeam6.IMAGE_MINOR,
        5,
        Veeam6.IMAGE_OWN_MAJOR,
        251,
        Veeam6.IMAGE_OWN_MINOR,
        7);
  }

  /** {@code direction << 30 | size << 16 | magic << 8 | number}; 1 is write, 2 read, 3 both. */
  private static void word(long word, int direction, int magic, int number, Layout argument) {
    assertEquals(
        (long) direction << 30 | (long) argument.size() << 16 | (long) magic << 8 | number,
        word,
        argument.name() + " " + number);
  }

  @Test
  void wordsSayTheSizesOfTheirArguments() {
    word(Seed.VERSION_CALL, 1, 'V', 0, Seed.VERSION);
    word(Seed.CREATE_CALL, 1, 'V', 1, Seed.UUID);
    word(Seed.DESTROY_CALL, 2, 'V', 2, Seed.UUID);
    word(Seed.APPEND_STORAGE_CALL, 1, 'V', 3, Seed.APPEND_STORAGE);
    word(Seed.TAKE_CALL, 2, 'V', 4, Seed.UUID);
    word(Seed.COLLECT_CALL, 1, 'V', 5, Seed.COLLECT);
    word(Seed.WAIT_EVENT_CALL, 1, 'V', 6, Seed.EVENT);
    word(Seed.ATTACH_CALL, 3, 0x12, 140, Seed.NAME);
    word(Seed.DETACH_CALL, 3, 0x12, 141, Seed.NAME);
    word(Seed.CTL_CALL, 3, 0x12, 142, Seed.CTL);

    word(Upstream.VERSION_CALL, 2, 'V', 0, Seed.VERSION);
    word(Upstream.CREATE_CALL, 3, 'V', 1, Upstream.CREATE);
    word(Upstream.CREATE_CALL, 3, 'V', 1, Upstream.CREATE_6);
    word(Upstream.DESTROY_CALL, 1, 'V', 2, Seed.UUID);
    word(Upstream.TAKE_CALL, 1, 'V', 3, Seed.UUID);
    word(Upstream.COLLECT_CALL, 2, 'V', 4, Seed.COLLECT);
    word(Upstream.WAIT_EVENT_CALL, 2, 'V', 5, Seed.EVENT);
    word(Upstream.ATTACH_CALL_6_15, 3, 0x12, 142, Upstream.ATTACH);
    word(Upstream.DETACH_CALL_6_15, 3, 0x12, 143, Seed.NAME);
    word(Upstream.CTL_CALL_6_15, 3, 0x12, 144, Seed.CTL);

    word(Veeam7.MODIFICATION_CALL, 2, 'V', 32, Veeam7.MODIFICATION);
    word(Veeam7.APPEND_STORAGE_CALL, 1, 'V', 34, Veeam7.APPEND_STORAGE);
    word(Veeam7.ATTACH_CALL, 3, 'F', 140, Veeam7.NAME);
    word(Veeam7.LONG_ATTACH_CALL, 3, 'F', 140, Veeam7.ATTACH);
    word(Veeam7.DETACH_CALL, 3, 'F', 141, Veeam7.NAME);
    word(Veeam7.CTL_CALL, 3, 'F', 142, Veeam7.CTL);

    word(Veeam6.VERSION_CALL, 1, 'V', 0, Seed.VERSION);
    word(Veeam6.REMOVE_CALL, 1, 'V', 1, Veeam6.DEV);
    word(Veeam6.TRACKERS_CALL, 1, 'V', 2, Veeam6.TRACKERS);
    word(Veeam6.READ_MAP_CALL, 2, 'V', 3, Veeam6.READ_MAP);
    word(Veeam6.MARK_DIRTY_CALL, 2, 'V', 4, Veeam6.MARK_DIRTY);
    word(Veeam6.CREATE_CALL, 1, 'V', 5, Veeam6.CREATE);
    word(Veeam6.DESTROY_CALL, 2, 'V', 6, Seed.UUID);
    word(Veeam6.APPEND_STORAGE_CALL, 1, 'V', 7, Veeam6.APPEND_STORAGE);
    word(Veeam6.TAKE_CALL, 2, 'V', 8, Seed.UUID);
    word(Veeam6.COLLECT_CALL, 1, 'V', 9, Seed.COLLECT);
    word(Veeam6.IMAGES_CALL, 1, 'V', 10, Veeam6.IMAGES);
    word(Veeam6.WAIT_EVENT_CALL, 1, 'V', 11, Seed.EVENT);
    word(Veeam6.MODIFICATION_CALL, 1, 'V', 32, Veeam7.MODIFICATION);
  }

  /** Fields lie within their struct, one behind the other, and hold what fits them. */
  @Test
  void fieldsDoNotOverlap() throws Exception {
    List<Layout> structs = new ArrayList<>();
    for (Class<?> family : List.of(Seed.class, Upstream.class, Veeam7.class, Veeam6.class)) {
      for (Field field : family.getFields()) {
        if (field.get(null) instanceof Layout struct) {
          structs.add(struct);
        }
      }
    }
    assertTrue(structs.size() > 25, "structs " + structs.size());
    for (Layout struct : structs) {
      int end = 0;
      for (Layout.Field field : struct.fields()) {
        assertTrue(field.offset() >= end, field + " of " + struct.name());
        end = field.offset() + field.size();
      }
      assertTrue(end <= struct.size(), struct.name());
    }
  }

  /** The tables that people read say what the constants say. */
  @Test
  void theDrawnTablesNameEveryWord() throws Exception {
    for (Class<?> family : List.of(Seed.class, Upstream.class, Veeam7.class, Veeam6.class)) {
      String source =
          java.nio.file.Files.readString(
              java.nio.file.Path.of(
                  "src/main/java/" + family.getName().replace('.', '/') + ".java"));
      String table = source.substring(0, source.indexOf("public final class"));
      for (Field field : family.getFields()) {
        if (field.getType() == long.class) {
          String word = "0x" + Long.toHexString(field.getLong(null));
          assertTrue(table.contains(word), family.getSimpleName() + " " + field.getName());
        }
      }
    }
  }
}

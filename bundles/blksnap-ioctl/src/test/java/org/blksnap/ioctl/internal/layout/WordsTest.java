// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.layout;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.reflect.Field;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Request words, and what all structs have in common. */
class WordsTest {
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
          Files.readString(
              Path.of("src/main/java/" + family.getName().replace('.', '/') + ".java"));
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

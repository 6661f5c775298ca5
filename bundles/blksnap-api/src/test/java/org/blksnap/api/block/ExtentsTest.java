// SPDX-License-Identifier: Apache-2.0
package org.blksnap.api.block;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(value = 30, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ExtentsTest {
  private static Errno walked(Extents extents) {
    return assertThrows(BlksnapException.class, extents::bytes).errno();
  }

  @Test
  void aWalkAsksPortionByPortion() throws Exception {
    List<ByteRange> all = new ArrayList<>();
    for (int i = 0; i < 3 * Extents.PORTION + 1; i++) {
      all.add(new ByteRange(i * 10L, 5));
    }
    Extents extents =
        (offset, limit) ->
            all.stream().filter(range -> range.offset() >= offset).limit(limit).toList();
    List<ByteRange> walked = new ArrayList<>();
    extents.forEach(walked::add);
    assertEquals(all, walked);
    assertEquals(all.size() * 5L, extents.bytes());
  }

  @Test
  void extentsThatDoNotGoOnEndTheWalk() {
    assertEquals(Errno.EIO, walked((offset, limit) -> List.of(new ByteRange(0, 1))));
    assertEquals(Errno.EIO, walked((offset, limit) -> List.of(new ByteRange(offset, 0))));
  }
}

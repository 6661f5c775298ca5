// SPDX-License-Identifier: Apache-2.0
package org.blksnap.api.block;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class ByteRangeTest {
  @Test
  void impossibleRangesAreRefused() {
    assertThrows(IllegalArgumentException.class, () -> new ByteRange(-1, 1));
    assertThrows(IllegalArgumentException.class, () -> new ByteRange(1, -1));
    assertThrows(IllegalArgumentException.class, () -> new ByteRange(1, Long.MAX_VALUE));
    assertEquals(Long.MAX_VALUE, new ByteRange(1, Long.MAX_VALUE - 1).end());
  }

  @Test
  void sectorsAreOf512BytesAndDoNotOverflow() {
    assertEquals(new ByteRange(1024, 512), ByteRange.ofSectors(2, 1));
    assertThrows(ArithmeticException.class, () -> ByteRange.ofSectors(1L << 55, 1));
  }

  @Test
  void neighboursDoNotOverlap() {
    ByteRange range = new ByteRange(100, 100);
    assertFalse(range.overlaps(new ByteRange(0, 100)));
    assertFalse(range.overlaps(new ByteRange(200, 1)));
    assertTrue(range.overlaps(new ByteRange(199, 1)));
    assertTrue(range.overlaps(new ByteRange(0, 1000)));
  }
}

// SPDX-License-Identifier: Apache-2.0
package org.blksnap.api.block;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class BlockSizeRuleTest {
  private static final BlockSizeRule RULE = new BlockSizeRule(16, 1000, 20);

  @Test
  void theSmallestBlockIsTakenWhileTheCountFits() {
    assertEquals(16, RULE.shiftFor(0, 0));
    assertEquals(16, RULE.shiftFor(1000L << 16, 0));
  }

  @Test
  void oneByteMoreDoublesTheBlock() {
    assertEquals(17, RULE.shiftFor((1000L << 16) + 1, 0));
  }

  @Test
  void theLargestBlockMayExceedTheCount() {
    assertEquals(20, RULE.shiftFor(1L << 50, 0));
    assertEquals(1 << 30, BlockSizeRule.blocks(1L << 50, 20));
  }

  @Test
  void theMinimumIoIsNotUndercut() {
    assertEquals(18, RULE.shiftFor(1 << 20, 1 << 18));
    assertEquals(20, RULE.shiftFor(1 << 20, 1 << 24));
  }

  @Test
  void aMinimumAboveTheMaximumYields() {
    assertEquals(14, new BlockSizeRule(16, 1000, 14).shiftFor(1 << 20, 0));
  }

  @Test
  void aStartedBlockCounts() {
    assertEquals(0, BlockSizeRule.blocks(0, 12));
    assertEquals(1, BlockSizeRule.blocks(1, 12));
    assertEquals(1, BlockSizeRule.blocks(4096, 12));
    assertEquals(2, BlockSizeRule.blocks(4097, 12));
  }
}

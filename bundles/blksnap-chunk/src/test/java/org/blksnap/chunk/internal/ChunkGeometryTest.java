// SPDX-License-Identifier: Apache-2.0
package org.blksnap.chunk.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.BlockSizeRule;
import org.blksnap.api.block.Errno;
import org.junit.jupiter.api.Test;

class ChunkGeometryTest {
  private static final BlockSizeRule DEFAULT = new BlockSizeRule(18, 2_097_152, 26);

  @Test
  void aDefaultChunkHas64PagesOf4KiB() throws Exception {
    ChunkGeometry geometry = ChunkGeometry.of(1L << 30, DEFAULT, 4096);
    assertEquals(18, geometry.chunkShift());
    assertEquals(12, geometry.pageShift());
    assertEquals(4096, geometry.chunkCount());
  }

  @Test
  void aPetabyteHas16MillionChunks() throws Exception {
    ChunkGeometry geometry = ChunkGeometry.of(1L << 50, DEFAULT, 4096);
    assertEquals(1 << 24, geometry.chunkCount());
    assertEquals(20, geometry.pageShift());
  }

  @Test
  void aSmallChunkHasFewerPages() throws Exception {
    ChunkGeometry geometry = ChunkGeometry.of(1 << 20, new BlockSizeRule(14, 1000, 14), 0);
    assertEquals(12, geometry.pageShift());
    assertEquals(0b1111, geometry.allPages(3));
  }

  @Test
  void theLastChunkAndItsLastPageEndWithTheDevice() throws Exception {
    ChunkGeometry geometry = ChunkGeometry.of((1 << 18) + 4096 + 512, DEFAULT, 0);
    assertEquals(2, geometry.chunkCount());
    assertEquals(4608, geometry.length(1));
    assertEquals(0b11, geometry.allPages(1));
    assertEquals(0b11, geometry.wholePages(1, 0, 4608));
    assertEquals(0b01, geometry.wholePages(1, 0, 4607));
    assertEquals(4608, geometry.bytes(1, 0b11));
    assertEquals(4608, geometry.runEnd(1, 0b11));
  }

  @Test
  void aFullSetOfPagesIsOneRun() throws Exception {
    ChunkGeometry geometry = ChunkGeometry.of(1 << 20, DEFAULT, 0);
    assertEquals(-1L, geometry.pages(0, 1 << 18));
    assertEquals(0, geometry.runStart(-1L));
    assertEquals(1 << 18, geometry.runEnd(0, -1L));
    assertEquals(0, ChunkGeometry.afterRun(-1L));
    assertEquals(0b1000, ChunkGeometry.afterRun(0b1011));
    assertEquals(0, ChunkGeometry.afterRun(0xF000_0000_0000_0000L));
  }

  @Test
  void aChunkOf2GiBIsRefused() {
    BlksnapException refused =
        assertThrows(
            BlksnapException.class,
            () -> ChunkGeometry.of(1L << 40, new BlockSizeRule(31, 1, 31), 0));
    assertEquals(Errno.EINVAL, refused.errno());
  }
}

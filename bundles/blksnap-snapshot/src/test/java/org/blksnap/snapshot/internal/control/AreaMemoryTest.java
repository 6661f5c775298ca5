// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal.control;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.blksnap.linux.proc.MemoryTable;
import org.junit.jupiter.api.Test;

class AreaMemoryTest {
  private static final long MIB = 1L << 20;
  private static final MemoryTable TWO_GIB =
      new MemoryTable("MemFree: 1 kB\nMemTotal:    2097152 kB\n");
  private static final MemoryTable LARGE = new MemoryTable("MemTotal: 1073741824 kB\n");

  @Test
  void aChunkTakesThreeNumbersAndBuffersAShareOfMemory() {
    long chunks = 1 << 20;
    assertEquals(MIB + 24 * MIB + 64 * MIB, AreaMemory.of(chunks, MIB, TWO_GIB));
    assertEquals(MIB + 24 * MIB + 256 * MIB, AreaMemory.of(chunks, MIB, LARGE));
    assertEquals(
        MIB + 24 * MIB + 256 * MIB,
        AreaMemory.of(chunks, MIB, new MemoryTable("nothing of the kind")));
  }

  @Test
  void buffersAreNotMoreThanChunksAndAtLeastFourWhereThereAreSo() {
    assertEquals(MIB + 3 * 24 + 3 * MIB, AreaMemory.of(3, MIB, LARGE));
    assertEquals(MIB + 24 * 24 + 4 * 64 * MIB, AreaMemory.of(24, 64 * MIB, TWO_GIB));
    assertEquals(MIB + 4096 * 24 + 1024 * 4096, AreaMemory.of(4096, 4096, LARGE));
  }
}

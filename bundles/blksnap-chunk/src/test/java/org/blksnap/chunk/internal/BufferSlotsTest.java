// SPDX-License-Identifier: Apache-2.0
package org.blksnap.chunk.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BufferSlotsTest {
  private static final int CHUNK = 1 << 18;

  @TempDir Path directory;

  @Test
  void slotsGivenBackCanBeBackedAgain() throws Exception {
    Path file = directory.resolve(BufferSlots.FILE);
    ChunkGeometry geometry = new ChunkGeometry(60L * CHUNK, 18, 12);
    try (BufferSlots slots = BufferSlots.create(directory, geometry, new UUID(1, 2), 64 << 20)) {
      slots.shrink(0);
      assertEquals(BufferSlots.RESERVED, slots.backed());
      assertEquals(BufferSlots.DATA + BufferSlots.RESERVED * CHUNK, Files.size(file));
      slots.grow();
      int more = BufferSlots.RESERVED + (int) (BufferSlots.STEP / CHUNK);
      assertEquals(more, slots.backed());
      assertEquals(more, slots.freeCount());
      assertEquals(BufferSlots.DATA + (long) more * CHUNK, Files.size(file));
    }
  }
}

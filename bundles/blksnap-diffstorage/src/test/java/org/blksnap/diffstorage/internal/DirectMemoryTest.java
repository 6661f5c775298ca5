// SPDX-License-Identifier: Apache-2.0
package org.blksnap.diffstorage.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.management.BufferPoolMXBean;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.List;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.spi.storage.DiffStorage;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Memory is measured before it is taken. */
class DirectMemoryTest {
  private static final String OPTION = "-XX:MaxDirectMemorySize=";

  @TempDir Path directory;

  @Test
  void theOptionIsUnderstood() {
    assertEquals(300, DirectMemory.limit(List.of("-ea", OPTION + "300"), 1));
    assertEquals(4096, DirectMemory.limit(List.of(OPTION + "4k"), 1));
    assertEquals(5L << 20, DirectMemory.limit(List.of(OPTION + "5M"), 1));
    assertEquals(6L << 30, DirectMemory.limit(List.of(OPTION + "1k", OPTION + "6g"), 1));
  }

  @Test
  void withoutTheOptionItIsAsMuchAsTheHeap() {
    assertEquals(77, DirectMemory.limit(List.of("-Xmx1g"), 77));
    assertEquals(77, DirectMemory.limit(List.of(OPTION + "0"), 77));
  }

  @Test
  void anOptionNotUnderstoodIsNoLimit() {
    assertEquals(Long.MAX_VALUE, DirectMemory.limit(List.of(OPTION + "much"), 77));
    assertEquals(Long.MAX_VALUE, DirectMemory.limit(List.of(OPTION), 77));
  }

  @Test
  void tooMuchIsRefusedBeforeAnyIsTaken() throws IOException {
    DiffStorage pool = new PoolFixture(directory).create();
    long before = direct();
    BlksnapException refusal =
        assertThrows(BlksnapException.class, () -> pool.appendMemory(1L << 50));
    assertEquals(Errno.ENOMEM, refusal.errno());
    assertTrue(direct() - before < 1 << 20, () -> "taken: " + (direct() - before));
    pool.delete();
  }

  private static long direct() {
    return ManagementFactory.getPlatformMXBeans(BufferPoolMXBean.class).stream()
        .filter(pool -> pool.getName().equals("direct"))
        .mapToLong(BufferPoolMXBean::getTotalCapacity)
        .sum();
  }
}

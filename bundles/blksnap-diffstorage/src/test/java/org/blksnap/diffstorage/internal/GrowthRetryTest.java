// SPDX-License-Identifier: Apache-2.0
package org.blksnap.diffstorage.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicInteger;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.spi.storage.DiffStorage;
import org.blksnap.spi.storage.StorageRequest;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What hinders making the next file may pass. Here it is a directory, not empty, that has the
 * file's name; each try of this thread to grow asks once how large a portion is.
 */
class GrowthRetryTest {
  private static final int PORTION = 1000 * 512;

  @TempDir Path directory;
  private final AtomicInteger tries = new AtomicInteger();
  private final Thread allocating = Thread.currentThread();
  private volatile int passesAt = Integer.MAX_VALUE;
  private Path hindrance;
  private DiffStorage pool;

  @BeforeEach
  void open() throws IOException {
    PoolFixture fixture = new PoolFixture(directory);
    Path grow = Files.createDirectory(directory.resolve("grow"));
    hindrance = grow.resolve("blksnap-" + fixture.snapshot + "-1.diff");
    pool =
        fixture
            .provider()
            .create(
                new StorageRequest(
                    fixture.snapshot, directory.resolve("storage"), this::portion, bytes -> {}));
    pool.appendDirectory(grow, 2 * PORTION);
    Files.createDirectories(hindrance.resolve("full"));
    pool.allocate(PORTION);
    tries.set(0);
  }

  @AfterEach
  void delete() {
    pool.delete();
  }

  private long portion() {
    if (Thread.currentThread() == allocating && tries.incrementAndGet() == passesAt) {
      try {
        Files.delete(hindrance.resolve("full"));
      } catch (IOException e) {
        throw new AssertionError(e);
      }
    }
    return 1000;
  }

  @Test
  void aHindranceThatPassesCostsNoSnapshot() throws IOException {
    passesAt = 3;
    Thread.currentThread().interrupt();
    assertEquals(PORTION, pool.allocate(512));
    assertTrue(Thread.interrupted());
    assertFalse(pool.status().overflown());
  }

  @Test
  void aHindranceThatStaysOverflowsAfterTheLastTry() {
    BlksnapException over = assertThrows(BlksnapException.class, () -> pool.allocate(512));
    assertEquals(Errno.ENOSPC, over.errno());
    assertTrue(over.getMessage().contains("could not grow: " + hindrance), over::getMessage);
    assertEquals(Pool.GROWTH_TRIES, tries.get());
    assertTrue(pool.status().overflown());
  }

  @Test
  void aDirectoryAtItsLimitOverflowsAtOnce() {
    BlksnapException over =
        assertThrows(BlksnapException.class, () -> pool.allocate(PORTION + 512));
    assertTrue(over.getMessage().contains("give it more storage"), over::getMessage);
    assertEquals(1, tries.get());
    assertTrue(pool.status().overflown());
  }
}

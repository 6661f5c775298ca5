// SPDX-License-Identifier: Apache-2.0
package org.blksnap.diffstorage.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.stream.Stream;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.spi.storage.DiffStorage;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A directory answers the pool's requests by itself, up to its limit; a portion is 1000 sectors.
 */
class DirectoryTest {
  private static final int SECTOR = 512;

  @TempDir Path directory;
  private Path grow;
  private PoolFixture fixture;
  private DiffStorage pool;

  @BeforeEach
  void open() throws IOException {
    grow = Files.createDirectory(directory.resolve("grow"));
    fixture = new PoolFixture(directory);
    pool = fixture.create();
  }

  @AfterEach
  void delete() {
    pool.delete();
  }

  private List<Path> files() throws IOException {
    try (Stream<Path> all = Files.list(grow)) {
      return all.sorted().toList();
    }
  }

  private void awaitCapacity(long sectors) throws InterruptedException {
    PoolFixture.await("capacity " + sectors, () -> pool.status().capacityBytes() == sectors * 512L);
  }

  @Test
  void theFirstPortionIsThereAtOnce() throws IOException {
    pool.appendDirectory(grow, 10_000 * SECTOR);
    assertEquals(1000 * 512, pool.status().capacityBytes());
    assertEquals(10_000 * 512, pool.status().limitBytes());
    assertEquals(512, pool.logicalBlockSize());
    Path file = grow.resolve("blksnap-" + fixture.snapshot + "-0.diff");
    assertEquals(List.of(file), files());
    assertEquals(1000 * SECTOR, Files.size(file));
    assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(file)));
  }

  @Test
  void aSmallDeviceGetsASmallFile() throws IOException {
    pool.expect(() -> 200 * SECTOR);
    pool.appendDirectory(grow, 10_000 * SECTOR);
    assertEquals(200 * 512, pool.status().capacityBytes());
    pool.allocate(200 * SECTOR);
    assertEquals(1, fixture.asked().size());
    assertEquals(200 * SECTOR, pool.allocate(200 * SECTOR), "what is needed is there all the same");
  }

  @Test
  void itGrowsAheadOfNeedWithoutAskingTheUser() throws Exception {
    pool.appendDirectory(grow, 3000 * SECTOR);
    pool.allocate(500 * SECTOR);
    awaitCapacity(2000);
    pool.allocate(500 * SECTOR);
    pool.allocate(500 * SECTOR);
    awaitCapacity(3000);
    assertEquals(1, fixture.asked().size());
    assertEquals(3, files().size());
  }

  @Test
  void atItsLimitTheUserIsAsked() throws Exception {
    pool.appendDirectory(grow, 1500 * SECTOR);
    pool.allocate(500 * SECTOR);
    awaitCapacity(1500);
    PoolFixture.await("an event", () -> fixture.asked().size() == 2);
    pool.appendMemory(500 * SECTOR);
    assertEquals(2, fixture.asked().size());
    pool.allocate(500 * SECTOR);
    pool.allocate(500 * SECTOR);
    assertEquals(List.of(1000L, 1000L, 1000L), fixture.asked());
  }

  @Test
  void aLimitBelowThePortionIsKept() throws IOException {
    pool.appendDirectory(grow, 300 * SECTOR + 100);
    assertEquals(300 * 512, pool.status().capacityBytes());
    pool.allocate(300 * SECTOR);
    assertEquals(
        Errno.ENOSPC, assertThrows(BlksnapException.class, () -> pool.allocate(SECTOR)).errno());
  }

  @Test
  void aChunkLargerThanThePortionStillFits() throws IOException {
    pool.appendDirectory(grow, 10_000 * SECTOR);
    assertEquals(1000 * SECTOR, pool.allocate(4096 * SECTOR));
    assertEquals(5096 * 512, pool.status().filledBytes());
  }

  @Test
  void anOutrunGrowthIsWaitedFor() throws IOException {
    pool.appendDirectory(grow, 100_000 * SECTOR);
    for (int i = 0; i < 90; i++) {
      pool.allocate(1000 * SECTOR);
    }
    assertEquals(90_000 * 512, pool.status().filledBytes());
    assertEquals(1, fixture.asked().size());
  }

  @Test
  void dataInGrownFilesIsKeptAcrossASuccessor() throws Exception {
    pool.appendDirectory(grow, 10_000 * SECTOR);
    pool.allocate(500 * SECTOR);
    awaitCapacity(2000);
    long address = pool.allocate(1000 * SECTOR);
    pool.write(address, PoolFixture.pattern(4096, 3));
    awaitCapacity(3000);
    pool.close();
    pool = fixture.adopt();
    assertEquals(PoolFixture.pattern(4096, 3), PoolFixture.read(pool, address, 4096));
    assertEquals(10_000 * 512, pool.status().limitBytes());
    pool.allocate(1000 * SECTOR);
    awaitCapacity(4000);
    assertEquals(4, files().size());
  }

  @Test
  void theLimitCountsWhatAPredecessorMade() throws Exception {
    pool.appendDirectory(grow, 1500 * SECTOR);
    pool.allocate(500 * SECTOR);
    awaitCapacity(1500);
    pool.close();
    pool = fixture.adopt();
    pool.allocate(500 * SECTOR);
    pool.allocate(500 * SECTOR);
    assertThrows(BlksnapException.class, () -> pool.allocate(SECTOR));
    assertEquals(1500 * 512, pool.status().capacityBytes());
  }

  @Test
  void aFileLeftByAKillIsMadeAnew() throws Exception {
    pool.appendDirectory(grow, 10_000 * SECTOR);
    Files.writeString(grow.resolve("blksnap-" + fixture.snapshot + "-1.diff"), "half");
    pool.allocate(500 * SECTOR);
    awaitCapacity(2000);
  }

  @Test
  void deletingRemovesItsFilesAndNobodyElses() throws IOException {
    pool.appendDirectory(grow, 10_000 * SECTOR);
    Files.writeString(grow.resolve("blksnap-" + fixture.snapshot + "-7.diff"), "left by a kill");
    Path other = Files.writeString(grow.resolve("other.diff"), "mine");
    pool.delete();
    assertEquals(List.of(other), files());
  }

  @Test
  void aDirectoryIsGivenOnce() throws IOException {
    pool.appendDirectory(grow, 10_000 * SECTOR);
    BlksnapException e =
        assertThrows(
            BlksnapException.class,
            () -> pool.appendDirectory(grow.resolve("../grow"), 10_000 * SECTOR));
    assertEquals(Errno.EINVAL, e.errno());
    assertTrue(e.getMessage().contains(grow.toString()), e.getMessage());
  }

  @Test
  void theNextDirectoryGoesOnWhereTheFirstIsFull() throws Exception {
    Path second = Files.createDirectory(directory.resolve("second"));
    pool.appendDirectory(grow, 1000 * SECTOR);
    pool.appendDirectory(second, 2000 * SECTOR);
    assertEquals(2000 * 512, pool.status().capacityBytes());
    pool.allocate(1000 * SECTOR);
    pool.allocate(1000 * SECTOR);
    awaitCapacity(3000);
    assertEquals(1, fixture.asked().size());
    pool.allocate(1000 * SECTOR);
    assertEquals(2, fixture.asked().size());
  }
}

// SPDX-License-Identifier: Apache-2.0
package org.blksnap.diffstorage.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.ByteRange;
import org.blksnap.api.block.Errno;
import org.blksnap.spi.storage.DiffStorage;
import org.blksnap.spi.storage.StorageRequest;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A successor goes on where its predecessor stopped or was killed. */
class AdoptTest {
  private static final int CHUNK = 4096;

  @TempDir Path directory;
  private PoolFixture fixture;
  private DiffStorage pool;

  @BeforeEach
  void open() throws IOException {
    fixture = new PoolFixture(directory);
    pool = fixture.create();
  }

  private void refusedAsDamaged(String word) {
    BlksnapException e = assertThrows(BlksnapException.class, fixture::adopt);
    assertEquals(Errno.EFAULT, e.errno());
    assertTrue(e.getMessage().contains(word), e.getMessage());
  }

  @Test
  void everythingIsThereAfterClose() throws IOException {
    fixture.append(pool, fixture.file("f", 65_536), new ByteRange(8192, 8192));
    pool.appendMemory(8192);
    pool.appendDirectory(directory, 1 << 20);
    long[] addresses = new long[6];
    for (int i = 0; i < addresses.length; i++) {
      addresses[i] = pool.allocate(CHUNK);
      pool.write(addresses[i], PoolFixture.pattern(CHUNK, i));
    }
    var status = pool.status();
    pool.close();
    try (DiffStorage next = fixture.adopt()) {
      assertEquals(status, next.status());
      for (int i = 0; i < addresses.length; i++) {
        assertEquals(PoolFixture.pattern(CHUNK, i), PoolFixture.read(next, addresses[i], CHUNK));
      }
      assertEquals(addresses[5] + CHUNK, next.allocate(CHUNK));
      next.delete();
    }
  }

  @Test
  void fillAndPartsSurviveWithoutClose() throws IOException {
    fixture.append(pool, fixture.file("f", 65_536));
    long address = pool.allocate(CHUNK);
    pool.write(address, PoolFixture.pattern(CHUNK, 1));
    DiffStorage next = fixture.adopt(); // the first one is abandoned, as by a kill
    assertEquals(PoolFixture.pattern(CHUNK, 1), PoolFixture.read(next, address, CHUNK));
    assertEquals(CHUNK, next.allocate(CHUNK));
    next.delete();
    pool.close();
  }

  @Test
  void addressesAreNeverHandedOutTwiceByOldAndNew() throws IOException {
    fixture.append(pool, fixture.file("f", 65_536));
    DiffStorage next = fixture.adopt();
    assertEquals(0, pool.allocate(CHUNK));
    assertEquals(CHUNK, next.allocate(CHUNK));
    assertEquals(2 * CHUNK, pool.allocate(CHUNK));
    pool.close();
    next.delete();
  }

  @Test
  void memoryIsFoundAgainThroughTheShelf() throws IOException {
    pool.appendMemory(2 * CHUNK);
    pool.appendMemory(CHUNK);
    pool.allocate(CHUNK);
    pool.write(2 * CHUNK, PoolFixture.pattern(CHUNK, 9));
    pool.close();
    DiffStorage next = fixture.adopt();
    assertEquals(PoolFixture.pattern(CHUNK, 9), PoolFixture.read(next, 2 * CHUNK, CHUNK));
    assertTrue(fixture.shelf.isEmpty());
    next.delete();
    assertTrue(fixture.shelf.isEmpty());
  }

  @Test
  void memoryIsGoneWithTheProcess() throws IOException {
    pool.appendMemory(CHUNK);
    refusedAsDamaged("memory");
    pool.delete();
  }

  @Test
  void deletingAClosedPoolTakesItsMemoryOffTheShelf() throws IOException {
    pool.appendMemory(CHUNK);
    pool.close();
    assertFalse(fixture.shelf.isEmpty());
    pool.delete();
    assertTrue(fixture.shelf.isEmpty());
  }

  @Test
  void theSameReceiverIsNotAskedTwice() throws IOException {
    pool.close();
    DiffStorage next = fixture.adopt();
    assertEquals(List.of(1000L), fixture.asked());
    next.delete();
  }

  @Test
  void aNewReceiverIsAskedAgainForWhatIsMissing() throws IOException {
    pool.appendMemory(512 * 600);
    pool.close();
    List<Long> asks = new ArrayList<>();
    StorageRequest after =
        new StorageRequest(
            fixture.snapshot, fixture.request.file(), fixture.minimumSectors::get, asks::add);
    DiffStorage next = fixture.provider().adopt(after);
    assertEquals(List.of(400L * 512), asks);
    assertEquals(1000 * 512, next.status().requestedBytes());
    next.delete();
  }

  @Test
  void nobodyIsAskedAgainForWhatIsThere() throws IOException {
    pool.appendMemory(512 * 1000);
    pool.close();
    List<Long> asks = new ArrayList<>();
    StorageRequest after =
        new StorageRequest(
            fixture.snapshot, fixture.request.file(), fixture.minimumSectors::get, asks::add);
    fixture.provider().adopt(after).delete();
    assertEquals(List.of(), asks);
  }

  @Test
  void aMissingStateFileIsRefused() throws IOException {
    pool.delete();
    BlksnapException e = assertThrows(BlksnapException.class, fixture::adopt);
    assertEquals(Errno.ENOENT, e.errno());
  }

  @Test
  void aMissingFileOfAPartIsRefused() throws IOException {
    Path file = fixture.file("f", 65_536);
    fixture.append(pool, file);
    pool.close();
    Files.delete(file);
    refusedAsDamaged(file.toString());
    pool.delete();
  }

  @Test
  void aReplacedFileOfAPartIsRefused() throws IOException {
    Path file = fixture.file("f", 65_536);
    fixture.append(pool, file);
    pool.close();
    Files.move(file, directory.resolve("g"));
    fixture.file("f", 65_536);
    refusedAsDamaged("another file");
    pool.delete();
  }

  @Test
  void aShortenedFileOfAPartIsRefused() throws IOException {
    Path file = fixture.file("f", 65_536);
    fixture.append(pool, file);
    pool.close();
    fixture.file("f", 65_024);
    refusedAsDamaged("65024 bytes");
    pool.delete();
  }
}

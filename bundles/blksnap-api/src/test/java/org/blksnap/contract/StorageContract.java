// SPDX-License-Identifier: Apache-2.0
package org.blksnap.contract;

import static org.blksnap.contract.Bytes.errno;
import static org.blksnap.contract.Bytes.pattern;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.spi.storage.DiffStorage;
import org.blksnap.spi.storage.StorageProvider;
import org.blksnap.spi.storage.StorageRequest;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** {@link StorageProvider} and {@link DiffStorage}, with one kind of space at a time. */
@Timeout(60)
public abstract class StorageContract {
  private static final int CHUNK = 65_536;

  /** Sectors of {@code diff_storage_minimum} here: 500 KiB. */
  private static final long MINIMUM = 1000;

  @TempDir protected Path directory;

  /** Bytes asked for, in order. */
  protected final List<Long> asks = new CopyOnWriteArrayList<>();

  private StorageRequest request;
  private DiffStorage pool;

  /**
   * A provider that shares nothing with an earlier one but what lies in files, and what is handed
   * over within this process.
   */
  protected abstract StorageProvider provider();

  /** Adds so much space of the kind under test, no more; called several times in a test. */
  protected abstract void give(DiffStorage pool, long bytes) throws Exception;

  @BeforeEach
  void create() throws Exception {
    request =
        new StorageRequest(
            new UUID(3, 4), directory.resolve("pool.state"), () -> MINIMUM, asks::add);
    pool = provider().create(request);
  }

  /** For those who have to take the space away afterwards. Done by itself, at the latest. */
  @AfterEach
  protected final void deleteNow() {
    if (pool != null) {
      pool.delete();
    }
  }

  private static ByteBuffer read(DiffStorage pool, long address, int length) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocateDirect(length);
    pool.read(address, bytes);
    assertFalse(bytes.hasRemaining());
    return bytes.flip();
  }

  /** Allocates chunks until the pool is over. */
  private List<Long> fill() throws BlksnapException {
    List<Long> addresses = new ArrayList<>();
    try {
      while (true) {
        addresses.add(pool.allocate(CHUNK));
      }
    } catch (BlksnapException over) {
      assertEquals(Errno.ENOSPC, over.errno());
      return addresses;
    }
  }

  @Test
  void aNewOneIsEmptyAndAsksForItsFirstPortion() {
    assertTrue(pool.isEmpty());
    assertEquals(0, pool.logicalBlockSize());
    assertEquals(0, pool.status().capacityBytes());
    assertFalse(pool.status().overflown());
    assertEquals(List.of(MINIMUM * 512L), asks);
  }

  @Test
  void whatWasGivenIsTold() throws Exception {
    give(pool, 8 * CHUNK);
    assertFalse(pool.isEmpty());
    assertTrue(pool.logicalBlockSize() >= 512, "block " + pool.logicalBlockSize());
    assertEquals(1, Integer.bitCount(pool.logicalBlockSize()));
    assertFalse(pool.status().parts().isEmpty());
    assertEquals(0, pool.status().filledBytes());
    pool.allocate(CHUNK);
    assertEquals(CHUNK, pool.status().filledBytes());
  }

  @Test
  void everyChunkIsItsOwnAndReadsAsItWasWritten() throws Exception {
    give(pool, 3 * CHUNK);
    give(pool, 5 * CHUNK);
    List<Long> addresses = fill();
    assertEquals(8, addresses.size());
    for (int i = 0; i < addresses.size(); i++) {
      ByteBuffer src = pattern(CHUNK, i);
      pool.write(addresses.get(i), src);
      assertFalse(src.hasRemaining());
    }
    for (int i = 0; i < addresses.size(); i++) {
      assertEquals(pattern(CHUNK, i), read(pool, addresses.get(i), CHUNK));
      Bytes.Sink sink = new Bytes.Sink();
      pool.transferTo(addresses.get(i), CHUNK, sink);
      assertEquals(pattern(CHUNK, i), ByteBuffer.wrap(sink.taken()));
    }
  }

  @Test
  void aPartOfAChunkIsWrittenAndReadAlone() throws Exception {
    give(pool, 2 * CHUNK);
    long address = pool.allocate(CHUNK);
    pool.write(address, pattern(CHUNK, 1));
    pool.write(address + 4096, pattern(512, 9));
    assertEquals(pattern(512, 9), read(pool, address + 4096, 512));
    assertEquals(pattern(CHUNK, 1).limit(4096), read(pool, address, 4096));
  }

  @Test
  void withoutRoomItStaysReadableAndGoesOnWhenGivenMore() throws Exception {
    give(pool, 2 * CHUNK);
    long address = pool.allocate(CHUNK);
    pool.write(address, pattern(CHUNK, 5));
    fill();
    assertTrue(pool.status().overflown());
    give(pool, 4 * CHUNK);
    assertFalse(pool.status().overflown());
    long more = pool.allocate(CHUNK);
    pool.write(more, pattern(CHUNK, 6));
    assertEquals(pattern(CHUNK, 6), read(pool, more, CHUNK));
    assertEquals(pattern(CHUNK, 5), read(pool, address, CHUNK));
  }

  @Test
  void withoutRoomItAsksForMoreOnce() throws Exception {
    give(pool, 2 * CHUNK);
    fill();
    int asked = asks.size();
    assertTrue(asked > 1, "it never asked");
    assertEquals(Errno.ENOSPC, errno(() -> pool.allocate(CHUNK)));
    assertEquals(asked, asks.size());
  }

  @Test
  void anEmptyOneIsOverAtOnce() {
    assertEquals(Errno.ENOSPC, errno(() -> pool.allocate(CHUNK)));
  }

  @Test
  void chunksAllocatedAtOnceNeverShareAByte() throws Exception {
    give(pool, 80 * CHUNK);
    List<Long> addresses = Collections.synchronizedList(new ArrayList<>());
    Threads.run(
        4,
        thread -> {
          for (int i = 0; i < 10; i++) {
            long address = pool.allocate(CHUNK);
            pool.write(address, pattern(CHUNK, (int) (address / 512)));
            addresses.add(address);
          }
        });
    List<Long> ordered = addresses.stream().sorted().toList();
    for (int i = 1; i < ordered.size(); i++) {
      assertTrue(ordered.get(i) - ordered.get(i - 1) >= CHUNK, ordered.toString());
    }
    for (long address : ordered) {
      assertEquals(pattern(CHUNK, (int) (address / 512)), read(pool, address, CHUNK));
    }
  }

  @Test
  void aSuccessorHasTheSameAddressesAndTheSameFill() throws Exception {
    give(pool, 2 * CHUNK);
    give(pool, 2 * CHUNK);
    long first = pool.allocate(CHUNK);
    long second = pool.allocate(CHUNK);
    long third = pool.allocate(CHUNK);
    pool.write(first, pattern(CHUNK, 1));
    pool.write(third, pattern(CHUNK, 3));
    pool.flush();
    var status = pool.status();
    pool.close();
    pool = provider().adopt(request);
    assertEquals(status.filledBytes(), pool.status().filledBytes());
    assertEquals(status.parts(), pool.status().parts());
    assertEquals(pattern(CHUNK, 1), read(pool, first, CHUNK));
    assertEquals(pattern(CHUNK, 3), read(pool, third, CHUNK));
    long fourth = pool.allocate(CHUNK);
    assertFalse(List.of(first, second, third).contains(fourth), "address " + fourth + " again");
  }

  @Test
  void anOverflowIsRememberedByASuccessor() throws Exception {
    give(pool, CHUNK);
    fill();
    pool.close();
    pool = provider().adopt(request);
    assertTrue(pool.status().overflown());
    assertEquals(Errno.ENOSPC, errno(() -> pool.allocate(512)));
  }

  @Test
  void aDamagedFileIsEfault() throws Exception {
    give(pool, CHUNK);
    pool.close();
    byte[] content = Files.readAllBytes(request.file());
    Files.write(request.file(), Bytes.filled(content.length, 0x33));
    assertEquals(Errno.EFAULT, errno(() -> provider().adopt(request)));
  }

  @Test
  void closedItAnswersEstaleAndMayBeClosedAgain() throws Exception {
    give(pool, 2 * CHUNK);
    long address = pool.allocate(CHUNK);
    pool.close();
    pool.close();
    assertEquals(Errno.ESTALE, errno(() -> pool.allocate(CHUNK)));
    assertEquals(Errno.ESTALE, errno(() -> pool.read(address, ByteBuffer.allocateDirect(512))));
    assertEquals(Errno.ESTALE, errno(() -> pool.write(address, pattern(512, 0))));
    assertEquals(Errno.ESTALE, errno(() -> pool.appendMemory(4096)));
  }

  @Test
  void deletedItLeavesNoFileOfItsOwnAndMayBeDeletedAgain() throws Exception {
    give(pool, CHUNK);
    pool.close();
    pool.delete();
    pool.delete();
    assertFalse(Files.exists(request.file()));
  }
}

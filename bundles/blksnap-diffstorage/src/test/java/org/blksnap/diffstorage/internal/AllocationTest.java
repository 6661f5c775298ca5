// SPDX-License-Identifier: Apache-2.0
package org.blksnap.diffstorage.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicReference;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.ByteRange;
import org.blksnap.api.block.Errno;
import org.blksnap.spi.storage.DiffStorage;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Whole chunks, in order, never across two ranges. */
class AllocationTest {
  @TempDir Path directory;
  private PoolFixture fixture;
  private DiffStorage pool;

  @BeforeEach
  void open() throws IOException {
    fixture = new PoolFixture(directory);
    pool = fixture.create();
  }

  @AfterEach
  void delete() {
    pool.delete();
  }

  private Errno refusal(int bytes) {
    return assertThrows(BlksnapException.class, () -> pool.allocate(bytes)).errno();
  }

  @Test
  void chunksComeInOrder() throws IOException {
    pool.appendMemory(8192);
    assertEquals(0, pool.allocate(4096));
    assertEquals(4096, pool.allocate(2048));
    assertEquals(6144, pool.allocate(2048));
    assertEquals(16 * 512, pool.status().filledBytes());
  }

  @Test
  void aRemainderTooSmallIsSkippedAndCountsAsFilled() throws IOException {
    pool.appendMemory(5120);
    pool.appendMemory(4096);
    assertEquals(0, pool.allocate(4096));
    assertEquals(5120, pool.allocate(4096));
    assertEquals(18 * 512, pool.status().filledBytes());
  }

  @Test
  void partsTooSmallForAChunkAreSkipped() throws IOException {
    pool.appendMemory(512);
    pool.appendMemory(512);
    pool.appendMemory(4096);
    assertEquals(1024, pool.allocate(4096));
  }

  @Test
  void withoutRoomForOneChunkItStillHasSomeForASmallerOneAndForWhatIsGiven() throws IOException {
    pool.appendMemory(4096);
    pool.allocate(2048);
    assertEquals(Errno.ENOSPC, refusal(4096));
    assertTrue(pool.status().overflown());
    assertEquals(2048, pool.allocate(512));
    assertFalse(pool.status().overflown());
    assertEquals(Errno.ENOSPC, refusal(4096));
    pool.appendMemory(1 << 20);
    assertFalse(pool.status().overflown());
    assertEquals(4096, pool.allocate(4096));
  }

  @Test
  void noMoreIsAskedForThanCanStillBeNeeded() throws IOException {
    fixture.minimumSectors.set(1000);
    pool.expect(() -> 1100 * 512);
    pool.appendMemory(1000 * 512);
    for (int i = 0; i < 100; i++) {
      pool.allocate(10 * 512);
    }
    assertEquals(100, fixture.asked().get(fixture.asked().size() - 1));
    int asked = fixture.asked().size();
    pool.appendMemory(100 * 512);
    for (int i = 0; i < 10; i++) {
      pool.allocate(10 * 512);
    }
    assertEquals(asked, fixture.asked().size());
  }

  @Test
  void chunksOfNoSizeAreRefused() throws IOException {
    pool.appendMemory(4096);
    assertEquals(Errno.EINVAL, refusal(0));
    assertEquals(Errno.EINVAL, refusal(-512));
    assertEquals(Errno.EINVAL, refusal(100));
    assertFalse(pool.status().overflown());
  }

  @Test
  void aRequestMayPassFromOnePartToTheNext() throws IOException {
    pool.appendMemory(4096);
    fixture.append(pool, fixture.file("f", 4096));
    pool.appendMemory(512);
    pool.write(2048, PoolFixture.pattern(6656, 3));
    assertEquals(PoolFixture.pattern(6656, 3), PoolFixture.read(pool, 2048, 6656));
    ByteArrayOutputStream sent = new ByteArrayOutputStream();
    pool.transferTo(2048, 6656, Channels.newChannel(sent));
    assertEquals(PoolFixture.pattern(6656, 3), ByteBuffer.wrap(sent.toByteArray()));
  }

  @Test
  void requestsOutsideAreRefused() throws IOException {
    pool.appendMemory(4096);
    BlksnapException e =
        assertThrows(BlksnapException.class, () -> pool.write(2048, PoolFixture.pattern(4096, 0)));
    assertEquals(Errno.EINVAL, e.errno());
    assertThrows(BlksnapException.class, () -> PoolFixture.read(pool, 8192, 512));
    assertThrows(BlksnapException.class, () -> PoolFixture.read(pool, -512, 512));
  }

  @Test
  void concurrentAllocationsNeverShareAByte() throws Exception {
    Path file = fixture.file("f", 1 << 20);
    for (int i = 0; i < 16; i++) {
      fixture.append(pool, file, new ByteRange(i * 65_536L, 65_536));
    }
    List<Long> got = Collections.synchronizedList(new ArrayList<>());
    AtomicReference<Throwable> failure = new AtomicReference<>();
    List<Thread> threads = new ArrayList<>();
    for (int t = 0; t < 4; t++) {
      Thread thread =
          new Thread(
              () -> {
                try {
                  while (true) {
                    got.add(pool.allocate(1024));
                  }
                } catch (BlksnapException e) {
                  if (e.errno() != Errno.ENOSPC) {
                    failure.set(e);
                  }
                }
              });
      thread.start();
      threads.add(thread);
    }
    for (Thread thread : threads) {
      thread.join();
    }
    assertEquals(null, failure.get());
    assertEquals(1024, got.stream().distinct().count());
    assertEquals(1024, got.size());
  }

  /** A list of lengths and a walk over it: what the pool is, in the plainest way. */
  @Test
  void randomHistoriesAgreeWithAPlainModel() throws IOException {
    long seed = Long.getLong("seed", System.nanoTime());
    System.out.println("randomHistoriesAgreeWithAPlainModel -Dseed=" + seed);
    Random random = new Random(seed);
    for (int history = 0; history < 60; history++) {
      pool.delete();
      fixture.asks.clear();
      fixture.minimumSectors.set(8 + random.nextInt(200));
      pool = fixture.create();
      PlainPool model = new PlainPool(fixture.minimumSectors.get());
      Path file = fixture.file("f" + history, 1 << 20);
      long given = 0;
      for (int step = 0; step < 150; step++) {
        String where = "seed " + seed + " history " + history + " step " + step;
        int what = random.nextInt(20);
        if (what == 0) {
          int bytes = 512 * (1 + random.nextInt(64));
          pool.appendMemory(bytes);
          model.append(bytes);
        } else if (what == 1 && given < (1 << 20) - 65_536) {
          int bytes = 512 * (1 + random.nextInt(128));
          fixture.append(pool, file, new ByteRange(given, bytes));
          given += bytes;
          model.append(bytes);
        } else if (what == 2) {
          pool.close();
          pool = fixture.adopt();
        } else if (what > 4 || model.capacity() > 0) {
          int bytes = 512 << random.nextInt(7);
          long expected = model.allocate(bytes);
          if (expected < 0) {
            assertEquals(Errno.ENOSPC, refusal(bytes), where);
          } else {
            assertEquals(expected, pool.allocate(bytes), where);
          }
        }
        assertEquals(model.filled, pool.status().filledBytes(), where);
        assertEquals(model.capacity(), pool.status().capacityBytes(), where);
        assertEquals(model.requested * 512, pool.status().requestedBytes(), where);
        assertEquals(model.over, pool.status().overflown(), where);
        assertEquals(model.asked, fixture.asked(), where);
      }
    }
  }

  private static final class PlainPool {
    final List<Integer> lengths = new ArrayList<>();
    final List<Long> asked = new ArrayList<>();
    final long minimum;
    long requested;
    long filled;
    boolean over;

    PlainPool(long minimum) {
      this.minimum = minimum;
      this.requested = minimum;
      asked.add(minimum);
    }

    long capacity() {
      return lengths.stream().mapToLong(i -> i).sum();
    }

    void append(int bytes) {
      lengths.add(bytes);
      over = false;
      ask();
    }

    long allocate(int bytes) {
      long base = 0;
      for (int length : lengths) {
        long from = Math.max(base, filled);
        base += length;
        if (base - from >= bytes) {
          filled = from + bytes;
          over = false;
          ask();
          return from;
        }
      }
      if (!over) {
        long capacity = capacity() / 512;
        requested = capacity >= requested ? capacity + minimum : requested;
        asked.add(requested - capacity);
      }
      over = true;
      return -1;
    }

    private void ask() {
      if (capacity() / 512 >= requested && requested - filled / 512 <= minimum / 2) {
        requested += minimum;
        asked.add(minimum);
      }
    }
  }
}

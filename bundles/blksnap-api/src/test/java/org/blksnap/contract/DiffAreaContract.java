// SPDX-License-Identifier: Apache-2.0
package org.blksnap.contract;

import static org.blksnap.contract.Bytes.errno;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;
import org.blksnap.api.block.BlockSizeRule;
import org.blksnap.api.block.Errno;
import org.blksnap.spi.chunk.ChunkEngine;
import org.blksnap.spi.chunk.DiffArea;
import org.blksnap.spi.chunk.DiffAreaRequest;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * {@link ChunkEngine} and {@link DiffArea}: a live device that is a byte array, and what its image
 * has to be.
 */
@Timeout(60)
public abstract class DiffAreaContract {
  private static final int CHUNK = 1 << 18;
  private static final int CAPACITY = 12 * CHUNK + 4096 + 512;

  @TempDir protected Path directory;

  private final byte[] live = new byte[CAPACITY];
  private byte[] image;
  private final AtomicLong liveReads = new AtomicLong();
  private final List<Errno> corruptions = new CopyOnWriteArrayList<>();
  private volatile IOException liveFailure;
  private PlainStorage storage = new PlainStorage(CAPACITY + 2 * CHUNK);
  private DiffArea area;

  protected abstract ChunkEngine engine();

  @BeforeEach
  void take() throws Exception {
    new Random(7).nextBytes(live);
    image = live.clone();
    area = engine().create(request(CAPACITY));
  }

  @AfterEach
  void deleteArea() {
    area.delete();
  }

  private DiffAreaRequest request(long capacity) {
    return new DiffAreaRequest(
        new UUID(5, 6),
        "sda",
        directory,
        capacity,
        new BlockSizeRule(18, 1 << 20, 18),
        512,
        storage,
        this::readLive,
        () -> 16,
        () -> 128,
        (error, detail) -> corruptions.add(error));
  }

  private void readLive(ByteBuffer dst, long offset) throws IOException {
    if (liveFailure != null) {
      throw liveFailure;
    }
    liveReads.addAndGet(dst.remaining());
    dst.put(live, (int) offset, dst.remaining());
  }

  /** As the filter does it: preserve, then the data. */
  private void liveWrite(int offset, int length, int value) throws IOException {
    area.preserve(offset, length, false);
    Arrays.fill(live, offset, offset + length, (byte) value);
  }

  private byte[] read(int offset, int length) throws IOException {
    ByteBuffer dst = ByteBuffer.allocate(length);
    area.read(dst, offset);
    assertFalse(dst.hasRemaining());
    return dst.array();
  }

  private void assertImage() throws IOException {
    assertArrayEquals(image, read(0, CAPACITY));
  }

  @Test
  void itTellsItsChunks() {
    assertEquals(CHUNK, area.chunkSize());
    assertEquals(13, area.chunkCount());
    assertEquals(Errno.OK, area.error());
    assertEquals(0, area.status().savedChunks());
    assertEquals(0, area.status().savedBytes());
  }

  @Test
  void anUntouchedImageIsTheLiveDevice() throws Exception {
    assertImage();
    assertEquals(0, area.status().savedChunks());
  }

  @Test
  void whatALiveWriteCoversIsReadAsItWasBeforeAndAfterItIsStored() throws Exception {
    liveWrite(100, 10, 1);
    liveWrite(3 * CHUNK - 5000, 10_000, 2);
    liveWrite(CAPACITY - 1, 1, 3);
    assertImage();
    area.settle();
    assertEquals(0, area.status().queuedChunks());
    assertEquals(4, area.status().savedChunks());
    assertImage();
  }

  @Test
  void savedOnceNothingIsCopiedAgain() throws Exception {
    liveWrite(4096, 4096, 1);
    long before = liveReads.get();
    liveWrite(4096, 4096, 2);
    liveWrite(5000, 100, 3);
    assertEquals(before, liveReads.get());
    assertEquals(before, area.status().copiedBytes());
    assertImage();
  }

  @Test
  void aRequestThatMustNotWaitIsEagainWhereItWouldHaveToCopy() throws Exception {
    liveWrite(0, 4096, 1);
    long before = liveReads.get();
    area.preserve(0, 4096, true);
    assertEquals(Errno.EAGAIN, errno(() -> area.preserve(0, 2L * CHUNK, true)));
    assertEquals(before, liveReads.get());
    assertEquals(1, area.status().savedChunks());
  }

  @Test
  void anImageWriteChangesTheImageAlone() throws Exception {
    byte[] untouched = live.clone();
    byte[] data = Bytes.filled(9000, 9);
    area.write(ByteBuffer.wrap(data), CHUNK - 4500);
    System.arraycopy(data, 0, image, CHUNK - 4500, data.length);
    area.writeZeroes(5 * CHUNK + 100, 2 * CHUNK);
    Arrays.fill(image, 5 * CHUNK + 100, 7 * CHUNK + 100, (byte) 0);
    assertImage();
    assertArrayEquals(untouched, live);
    liveWrite(0, CAPACITY, 4);
    assertImage();
    area.settle();
    area.write(ByteBuffer.wrap(data), 10 * CHUNK + 1);
    System.arraycopy(data, 0, image, 10 * CHUNK + 1, data.length);
    assertImage();
  }

  @Test
  void aTransferGivesWhatAReadDoes() throws Exception {
    liveWrite(CHUNK, 4096, 1);
    area.settle();
    liveWrite(CHUNK + 8192, 4096, 1);
    Bytes.Sink sink = new Bytes.Sink();
    area.transferTo(CHUNK - 777, 30_000, sink);
    assertArrayEquals(Arrays.copyOfRange(image, CHUNK - 777, CHUNK - 777 + 30_000), sink.taken());
  }

  @Test
  void runsCoverTheImageAndTellWhatIsSaved() throws Exception {
    liveWrite(2 * CHUNK, 8192, 1);
    long at = 0;
    long saved = 0;
    while (at < CAPACITY) {
      DiffArea.Run run = area.runAt(at, CAPACITY - at);
      assertTrue(run.length() > 0 && run.length() <= CAPACITY - at, run.toString());
      if (run.saved()) {
        saved += run.length();
      } else {
        assertTrue(at + run.length() <= 2 * CHUNK || at >= 2 * CHUNK + 8192, at + " " + run);
      }
      at += run.length();
    }
    assertEquals(area.status().savedBytes(), saved);
    assertEquals(100, area.runAt(0, 100).length());
  }

  @Test
  void theFirstErrorWinsAndIsToldOnce() throws Exception {
    area.corrupt(Errno.ENOSPC, "first");
    area.corrupt(Errno.EFAULT, "second");
    assertEquals(Errno.ENOSPC, area.error());
    assertTrue(area.detail().contains("first"), area.detail());
    assertEquals(List.of(Errno.ENOSPC), corruptions);
  }

  @Test
  void corruptedItsImageIsEioAndLiveWritesPass() throws Exception {
    area.corrupt(Errno.ENOSPC, "by the test");
    assertEquals(Errno.EIO, errno(() -> read(0, 512)));
    assertEquals(Errno.EIO, errno(() -> area.write(ByteBuffer.allocate(512), 0)));
    assertEquals(Errno.EIO, errno(() -> area.writeZeroes(0, 512)));
    assertEquals(Errno.EIO, errno(() -> area.transferTo(0, 512, new Bytes.Sink())));
    area.preserve(0, CAPACITY, false);
    area.preserve(0, CAPACITY, true);
    area.settle();
  }

  @Test
  void oldDataThatCannotBeReadCorruptsAndTheLiveWriteGoesOn() throws Exception {
    liveFailure = new IOException("no medium");
    area.preserve(0, 4096, false);
    liveFailure = null;
    assertEquals(Errno.EIO, area.error());
    assertEquals(List.of(Errno.EIO), corruptions);
    assertEquals(Errno.EIO, errno(() -> read(0, 512)));
  }

  @Test
  void aStorageWithoutRoomLosesNothingAndIsAskedAgain() throws Exception {
    storage.filled.set(storage.bytes.length);
    liveWrite(0, 4096, 1);
    assertEquals(Errno.ENOSPC, errno(() -> area.settle()));
    assertEquals(Errno.OK, area.error());
    assertEquals(List.of(), corruptions);
    assertImage();
    storage.filled.set(0);
    area.settle();
    assertEquals(0, area.status().queuedChunks());
    assertImage();
  }

  @Test
  void zeroesTakeNoStorage() throws Exception {
    Arrays.fill(live, 0, 6 * CHUNK, (byte) 0);
    Arrays.fill(image, 0, 6 * CHUNK, (byte) 0);
    liveWrite(0, 6 * CHUNK, 7);
    area.writeZeroes(8L * CHUNK, 2 * CHUNK);
    Arrays.fill(image, 8 * CHUNK, 10 * CHUNK, (byte) 0);
    area.settle();
    assertEquals(0, storage.filled.get());
    assertImage();
  }

  @Test
  void abandonedItLetsLiveWritesPassAndItsImageIsEstale() throws Exception {
    area.abandon();
    area.preserve(0, CAPACITY, false);
    assertEquals(Errno.OK, area.error());
    assertEquals(Errno.ESTALE, errno(() -> read(0, 512)));
  }

  @Test
  void retiredItSendsAwayWhatWouldHaveToBeCopied() throws Exception {
    liveWrite(0, 4096, 1);
    area.retire();
    area.preserve(0, 4096, false);
    assertEquals(Errno.EAGAIN, errno(() -> area.preserve(0, 2 * 4096, false)));
    area.close();
    area = engine().adopt(request(CAPACITY));
    liveWrite(0, 2 * 4096, 2);
    assertImage();
  }

  @Test
  void aSuccessorGoesOnWithWhatIsQueuedAndWhatIsStored() throws Exception {
    liveWrite(0, 4096, 1);
    area.settle();
    liveWrite(2 * CHUNK, 10_000, 2);
    area.write(ByteBuffer.wrap(Bytes.filled(100, 3)), 4 * CHUNK);
    Arrays.fill(image, 4 * CHUNK, 4 * CHUNK + 100, (byte) 3);
    long saved = area.status().savedBytes();
    area.close();
    area.close();
    area = engine().adopt(request(CAPACITY));
    assertEquals(saved, area.status().savedBytes());
    assertImage();
    liveWrite(0, CAPACITY, 5);
    assertImage();
  }

  @Test
  void aSuccessorKnowsTheFirstError() throws Exception {
    area.corrupt(Errno.ENOSPC, "the pool is over");
    area.close();
    area = engine().adopt(request(CAPACITY));
    assertEquals(Errno.ENOSPC, area.error());
    assertEquals("the pool is over", area.detail());
    assertEquals(Errno.EIO, errno(() -> read(0, 512)));
  }

  @Test
  void anotherCapacityIsEfault() throws Exception {
    area.close();
    assertEquals(Errno.EFAULT, errno(() -> engine().adopt(request(CAPACITY + CHUNK))));
  }

  @Test
  void damagedFilesAreEfault() throws Exception {
    liveWrite(0, 4096, 1);
    area.close();
    try (var files = Files.list(directory)) {
      for (Path file : files.toList()) {
        Files.write(file, Bytes.filled((int) Files.size(file), 0x33));
      }
    }
    assertEquals(Errno.EFAULT, errno(() -> engine().adopt(request(CAPACITY))));
  }

  @Test
  void deletedItLeavesNothingAndMayBeDeletedAgain() throws Exception {
    liveWrite(0, 4096, 1);
    area.delete();
    area.delete();
    area.close();
    try (var left = Files.list(directory)) {
      assertEquals(0, left.count());
    }
  }

  @Test
  void writersAtOnceLeaveTheImageExact() throws Exception {
    Threads.run(
        4,
        thread -> {
          Random random = new Random(thread);
          for (int i = 0; i < 400; i++) {
            int length = 1 + random.nextInt(6000);
            int part = random.nextInt(12);
            // Each thread writes its own quarter of a chunk, so that the data do not race.
            int offset = part * CHUNK + thread * (CHUNK / 4) + random.nextInt(CHUNK / 4 - length);
            liveWrite(offset, length, thread);
            if (i % 50 == 0) {
              byte[] seen = read(offset, length);
              assertArrayEquals(Arrays.copyOfRange(image, offset, offset + length), seen);
            }
          }
        });
    assertImage();
    area.settle();
    assertEquals(Errno.OK, area.error(), area.detail());
    assertImage();
  }
}

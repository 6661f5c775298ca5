// SPDX-License-Identifier: Apache-2.0
package org.blksnap.chunk.internal;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.CountDownLatch;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.spi.chunk.DiffArea.Run;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What this engine does beyond the contract: what is copied, queued and stored when. */
class DiffAreaTest {
  private static final int CHUNK = 1 << 18;
  private static final int CAPACITY = 60 * CHUNK + 4096 + 512;

  @TempDir Path directory;
  private Scene scene;

  @BeforeEach
  void take() throws Exception {
    scene = new Scene(directory, CAPACITY, 18, 42);
  }

  @AfterEach
  void destroy() {
    scene.close();
  }

  @Test
  void aFirst4KiBWriteCopies4KiB() throws Exception {
    scene.liveWrite(5 * CHUNK + 8192, scene.bytes(4096));
    assertEquals(4096, scene.liveReads.get());
    assertEquals(4096, scene.area.status().copiedBytes());
    assertEquals(4096, scene.area.status().savedBytes());
    assertEquals(1, scene.area.status().savedChunks());
    assertArrayEquals(scene.image, scene.wholeImage());
  }

  @Test
  void aDiscardCopiesOnlyWhatIsNotSavedAndOnce() throws Exception {
    scene.liveWrite(3 * CHUNK + 4096, scene.bytes(4096));
    scene.area.preserve(0, CAPACITY, false);
    Arrays.fill(scene.live, (byte) 0);
    scene.area.preserve(0, CAPACITY, false);
    assertEquals(CAPACITY, scene.liveReads.get());
    assertEquals(CAPACITY, scene.area.status().savedBytes());
    assertArrayEquals(scene.image, scene.wholeImage());
  }

  @Test
  void aWriteBehindTheOldEndIsNotCopied() throws Exception {
    scene.area.preserve(CAPACITY, 4096, false);
    scene.area.preserve(CAPACITY - 512L, Long.MAX_VALUE - CAPACITY, false);
    assertEquals(512, scene.liveReads.get());
    assertEquals(Errno.OK, scene.area.error());
  }

  @Test
  void theLastPageIsSavedAndStored() throws Exception {
    scene.liveWrite(CAPACITY - 512, scene.bytes(512));
    scene.area.settle();
    assertEquals(0, scene.area.status().queuedChunks());
    assertEquals(512, scene.storage.written.get());
    assertArrayEquals(scene.image, scene.wholeImage());
  }

  @Test
  void fewQueuedChunksAreStoredWhenIdle() throws Exception {
    scene.liveWrite(0, scene.bytes(4096));
    Scene.await("stored", () -> scene.area.status().queuedChunks() == 0);
    assertEquals(4096, scene.storage.written.get());
    assertArrayEquals(scene.image, scene.wholeImage());
  }

  @Test
  void settleStoresEverything() throws Exception {
    for (int i = 0; i < 10; i++) {
      scene.liveWrite(i * CHUNK, scene.bytes(8192));
    }
    scene.area.settle();
    assertEquals(0, scene.area.status().queuedChunks());
    assertEquals(10 * 8192, scene.storage.written.get());
  }

  @Test
  void anImageWriteLandsInTheAreaAlone() throws Exception {
    byte[] before = scene.live.clone();
    scene.imageWrite(CHUNK - 100, scene.bytes(9000));
    assertArrayEquals(before, scene.live);
    assertArrayEquals(scene.image, scene.wholeImage());
    scene.area.settle();
    scene.imageWrite(CHUNK - 50, scene.bytes(100));
    scene.imageWrite(CHUNK + 20_000, scene.bytes(4096));
    assertArrayEquals(scene.image, scene.wholeImage());
    scene.area.settle();
    assertArrayEquals(scene.image, scene.wholeImage());
  }

  @Test
  void anImageWriteOfWholePagesLoadsNothing() throws Exception {
    scene.imageWrite(CHUNK, scene.bytes(CHUNK));
    scene.imageWrite(CAPACITY - 512, scene.bytes(512));
    assertEquals(0, scene.liveReads.get());
  }

  @Test
  void aLiveWriteDoesNotUndoAnImageWrite() throws Exception {
    scene.imageWrite(10_000, scene.bytes(100));
    scene.liveWrite(0, scene.bytes(CHUNK));
    assertArrayEquals(scene.image, scene.wholeImage());
  }

  @Test
  void anImageWriteDuringStoringIsNotLost() throws Exception {
    scene.storage.hang = new CountDownLatch(1);
    scene.maximumInQueue = 1;
    scene.liveWrite(0, scene.bytes(CHUNK));
    Thread.sleep(50);
    scene.imageWrite(4096, scene.bytes(4096));
    scene.storage.hang.countDown();
    scene.area.settle();
    scene.area.settle();
    assertEquals(0, scene.area.status().queuedChunks());
    assertArrayEquals(scene.image, scene.wholeImage());
  }

  @Test
  void transferToGivesTheSameBytes() throws Exception {
    for (int i = 0; i < 30; i++) {
      scene.liveWrite(
          scene.random.nextInt(CAPACITY - CHUNK), scene.bytes(1 + scene.random.nextInt(CHUNK)));
      if (i == 20) {
        scene.area.settle();
      }
    }
    ByteArrayOutputStream sent = new ByteArrayOutputStream();
    scene.area.transferTo(0, CAPACITY, Channels.newChannel(sent));
    assertArrayEquals(scene.image, sent.toByteArray());
  }

  @Test
  void runsTellSavedFromUnsaved() throws Exception {
    scene.liveWrite(4096, scene.bytes(8192));
    scene.liveWrite(CHUNK - 4096, scene.bytes(CHUNK));
    assertEquals(new Run(4096, false), scene.area.runAt(0, CAPACITY));
    assertEquals(new Run(8192, true), scene.area.runAt(4096, CAPACITY));
    assertEquals(new Run(8092, true), scene.area.runAt(4196, CAPACITY));
    assertEquals(new Run(100, true), scene.area.runAt(4196, 100));
    assertEquals(new Run(CHUNK, true), scene.area.runAt(CHUNK - 4096, CAPACITY));
    long rest = 2L * CHUNK - 4096;
    assertEquals(new Run(CAPACITY - rest, false), scene.area.runAt(rest, Long.MAX_VALUE));
  }

  @Test
  void aFullStorageCorruptsWhenNoBufferIsLeftAndLiveWritesGoOn() throws Exception {
    withFourBuffers();
    scene.storage.filled.set(scene.storage.bytes.length - CHUNK);
    for (int i = 0; i < 40; i++) {
      scene.liveWrite(i * CHUNK, scene.bytes(CHUNK));
    }
    assertEquals(Errno.ENOSPC, scene.area.error());
    refusedRead();
    assertEquals(1, scene.corruptions.size());
  }

  @Test
  void anImageWriteThatFindsNoRoomIsRefusedAndTheImageStays() throws Exception {
    withFourBuffers();
    scene.storage.filled.set(scene.storage.bytes.length);
    for (int i = 0; i < 4; i++) {
      scene.liveWrite(i * CHUNK, scene.bytes(4096));
    }
    BlksnapException refused =
        assertThrows(BlksnapException.class, () -> scene.imageWrite(5 * CHUNK, scene.bytes(4096)));
    assertEquals(Errno.ENOSPC, refused.errno());
    assertTrue(refused.getMessage().contains("no buffer and no storage"), refused.getMessage());
    assertEquals(Errno.OK, scene.area.error(), scene.area.detail());
    assertArrayEquals(scene.image, scene.wholeImage());
  }

  @Test
  void anImageWriteToAStalledStorageIsRefusedAndTheImageStays() throws Exception {
    scene.close();
    Path home = Files.createDirectory(directory.resolve("stalled"));
    scene = new Scene(home, CAPACITY, 18, 42, Scene.STALL, 4 * CHUNK);
    scene.storage.hang = new CountDownLatch(1);
    for (int i = 0; i < 4; i++) {
      scene.liveWrite(i * CHUNK, scene.bytes(4096));
    }
    BlksnapException refused =
        assertThrows(BlksnapException.class, () -> scene.imageWrite(5 * CHUNK, scene.bytes(4096)));
    assertEquals(Errno.EIO, refused.errno());
    assertEquals(Errno.OK, scene.area.error(), scene.area.detail());
    assertArrayEquals(scene.image, scene.wholeImage());
  }

  private void withFourBuffers() throws Exception {
    scene.close();
    Path home = Files.createDirectory(directory.resolve("four"));
    scene = new Scene(home, CAPACITY, 18, 42, Duration.ofMinutes(5), 4 * CHUNK);
  }

  @Test
  void aFullStorageIsNoLossWhileBuffersLastAndStorageGivenThenIsUsed() throws Exception {
    withFourBuffers();
    long end = scene.storage.filled.get();
    scene.storage.filled.set(scene.storage.bytes.length);
    for (int i = 0; i < 4; i++) {
      scene.liveWrite(i * CHUNK, scene.bytes(CHUNK));
    }
    assertEquals(
        Errno.ENOSPC, assertThrows(BlksnapException.class, () -> scene.area.settle()).errno());
    assertEquals(Errno.OK, scene.area.error(), scene.area.detail());
    assertArrayEquals(scene.image, scene.wholeImage());
    scene.storage.filled.set(end);
    for (int i = 4; i < 20; i++) {
      scene.liveWrite(i * CHUNK, scene.bytes(CHUNK));
    }
    scene.area.settle();
    assertEquals(Errno.OK, scene.area.error(), scene.area.detail());
    assertArrayEquals(scene.image, scene.wholeImage());
  }

  @Test
  void zeroesTakeNoStorageWhoeverFindsThem() throws Exception {
    Arrays.fill(scene.live, 0, 30 * CHUNK, (byte) 0);
    Arrays.fill(scene.image, 0, 30 * CHUNK, (byte) 0);
    scene.holesTo = 10 * CHUNK;
    scene.liveWrite(0, scene.bytes(30 * CHUNK));
    assertEquals(20 * CHUNK, scene.liveReads.get(), "holes are not read");
    scene.area.writeZeroes(31 * CHUNK + 4096, 3 * CHUNK);
    Arrays.fill(scene.image, 31 * CHUNK + 4096, 34 * CHUNK + 4096, (byte) 0);
    scene.imageWrite(40 * CHUNK, new byte[CHUNK]);
    scene.area.settle();
    assertEquals(0, scene.storage.filled.get());
    assertEquals(34L * CHUNK, scene.area.status().savedBytes());
    assertArrayEquals(scene.image, scene.wholeImage());
    scene.area.close();
    scene.area = scene.engine.adopt(scene.request());
    assertArrayEquals(scene.image, scene.wholeImage());
  }

  @Test
  void aPageGoesFromDataToZeroesAndBack() throws Exception {
    scene.liveWrite(0, scene.bytes(CHUNK));
    for (int round = 0; round < 6; round++) {
      if (round % 2 == 0) {
        scene.area.settle();
      }
      scene.area.writeZeroes(8192, 3 * 4096);
      Arrays.fill(scene.image, 8192, 5 * 4096, (byte) 0);
      assertArrayEquals(scene.image, scene.wholeImage());
      if (round % 3 == 0) {
        scene.area.settle();
      }
      scene.imageWrite(8192 + 100, scene.bytes(5000));
      assertArrayEquals(scene.image, scene.wholeImage());
    }
    scene.area.settle();
    assertArrayEquals(scene.image, scene.wholeImage());
  }

  @Test
  void aSlowStorageSeesSeveralWritesAtOnce() throws Exception {
    withFourBuffers();
    scene.storage.delay = 20;
    for (int i = 0; i < 40; i++) {
      scene.liveWrite(i * CHUNK, scene.bytes(4096));
    }
    assertTrue(scene.storage.mostAtOnce.get() > 1, "only one write was under way");
    assertArrayEquals(scene.image, scene.wholeImage());
  }

  @Test
  void neighbouringWholeChunksBecomeOneWrite() throws Exception {
    scene.maximumInQueue = 1000;
    scene.liveWrite(0, scene.bytes(8 * CHUNK));
    scene.area.settle();
    assertEquals(8 * CHUNK, scene.storage.written.get());
    assertTrue(scene.storage.writes.get() < 8, scene.storage.writes + " writes for 8 chunks");
    assertArrayEquals(scene.image, scene.wholeImage());
  }

  @Test
  void aStorageWriteErrorCorrupts() throws Exception {
    scene.storage.writeFailure = new IOException("bad sector");
    scene.liveWrite(0, scene.bytes(4096));
    scene.area.settle();
    assertEquals(Errno.EIO, scene.area.error());
    assertTrue(scene.area.detail().contains("bad sector"), scene.area.detail());
    refusedRead();
    assertThrows(BlksnapException.class, () -> scene.area.writeZeroes(0, 10));
  }

  @Test
  void aLiveReadErrorInAnImageReadLeavesTheAreaWhole() throws Exception {
    scene.liveFailure = new IOException("no medium");
    assertThrows(IOException.class, this::refusedByLive);
    scene.liveFailure = null;
    assertEquals(Errno.OK, scene.area.error());
    assertArrayEquals(scene.image, scene.wholeImage());
  }

  private void refusedByLive() throws IOException {
    scene.area.write(ByteBuffer.allocate(10), 5);
  }

  @Test
  void aLiveWriteGoesOnWhereThereIsNoMemoryToSaveFor() throws Exception {
    scene.liveError = new OutOfMemoryError("by the test");
    scene.liveWrite(0, scene.bytes(4096));
    assertNotEquals(Errno.OK, scene.area.error());
    assertTrue(scene.area.detail().contains("by the test"), scene.area.detail());
  }

  @Test
  void aStalledStorageCorruptsAndLiveWritesGoOn() throws Exception {
    scene.close();
    int chunks = (int) (BufferSlots.ALWAYS_BACKED >> 20) + 10;
    scene = new Scene(Files.createDirectory(directory.resolve("large")), chunks << 20, 20, 42);
    scene.storage.hang = new CountDownLatch(1);
    for (int i = 0; i < chunks; i++) {
      scene.liveWrite(i << 20, scene.bytes(4096));
    }
    assertEquals(Errno.EIO, scene.area.error());
    assertTrue(scene.area.detail().contains("stalled"), scene.area.detail());
  }

  /** Each wait alone is far from the limit, and the storage moves all the time. */
  @Test
  void aWriteOfManyChunksWaitsNoLongerThanOneOfOne() throws Exception {
    scene.close();
    Path home = Files.createDirectory(directory.resolve("slow"));
    scene = new Scene(home, CAPACITY, 18, 42, Duration.ofSeconds(1), 4 * CHUNK);
    scene.storage.delay = 200;
    scene.area.preserve(0, 60L * CHUNK, false);
    assertEquals(Errno.EIO, scene.area.error());
    assertTrue(scene.area.detail().contains("a live write waited"), scene.area.detail());
    assertTrue(scene.storage.writes.get() > 0, "nothing was stored");
  }

  @Test
  void aStalledStorageDoesNotHoldUpWritesWhileBuffersAreFree() throws Exception {
    scene.maximumInQueue = 1;
    scene.storage.hang = new CountDownLatch(1);
    for (int i = 0; i < 20; i++) {
      scene.liveWrite(i * CHUNK, scene.bytes(4096));
      scene.liveWrite(i * CHUNK + 8192, scene.bytes(4096));
    }
    assertEquals(Errno.OK, scene.area.error());
    assertArrayEquals(scene.image, scene.wholeImage());
  }

  @Test
  void settleOfAStalledStorageIsBounded() throws Exception {
    scene.storage.hang = new CountDownLatch(1);
    scene.liveWrite(0, scene.bytes(4096));
    scene.area.settle();
    assertEquals(Errno.EIO, scene.area.error());
  }

  @Test
  void aSlowStorageIsWaitedFor() throws Exception {
    scene.maximumInQueue = 1000;
    scene.liveWrite(0, scene.bytes(40 * CHUNK));
    assertEquals(Errno.OK, scene.area.error());
    assertArrayEquals(scene.image, scene.wholeImage());
  }

  @Test
  void aStoreThatFailsAfterRetiringLosesNothing() throws Exception {
    CountDownLatch hang = new CountDownLatch(1);
    scene.storage.hang = hang;
    scene.liveWrite(0, scene.bytes(3 * CHUNK));
    scene.area.retire();
    scene.storage.writeFailure = new BlksnapException(Errno.ESHUTDOWN, "the storage left");
    hang.countDown();
    scene.area.close();
    assertEquals(Errno.OK, scene.area.error());
    scene.storage.hang = null;
    scene.storage.writeFailure = null;
    scene.area = scene.engine.adopt(scene.request());
    assertArrayEquals(scene.image, scene.wholeImage());
  }

  @Test
  void aLiveWriteToAClosedAreaComesAgainToItsSuccessor() throws Exception {
    scene.area.close();
    assertEquals(
        Errno.EAGAIN,
        assertThrows(BlksnapException.class, () -> scene.liveWrite(0, scene.bytes(4096))).errno());
    scene.area = scene.engine.adopt(scene.request());
    scene.liveWrite(0, scene.bytes(4096));
    assertEquals(Errno.OK, scene.area.error());
    assertArrayEquals(scene.image, scene.wholeImage());
  }

  @Test
  void queuedChunksAreAdopted() throws Exception {
    scene.maximumInQueue = 1000;
    for (int i = 0; i < 10; i++) {
      scene.liveWrite(i * CHUNK + 512, scene.bytes(4096));
    }
    scene.area.close();
    scene.area = scene.engine.adopt(scene.request());
    assertEquals(10, scene.area.status().savedChunks());
    assertEquals(10 * 8192, scene.area.status().savedBytes());
    assertArrayEquals(scene.image, scene.wholeImage());
    scene.area.settle();
    assertArrayEquals(scene.image, scene.wholeImage());
  }

  @Test
  void createRefusesADirectoryInUse() {
    BlksnapException refused =
        assertThrows(BlksnapException.class, () -> scene.engine.create(scene.request()));
    assertEquals(Errno.EEXIST, refused.errno());
    assertTrue(Files.exists(directory.resolve("chunks.map")));
  }

  @Test
  void deleteLeavesNothing() throws Exception {
    scene.liveWrite(0, scene.bytes(4096));
    scene.area.delete();
    scene.area.delete();
    scene.area.close();
    try (var left = Files.list(directory)) {
      assertEquals(0, left.count());
    }
    scene.area.preserve(0, CAPACITY, false);
    assertEquals(Errno.OK, scene.area.error());
  }

  private long bufferFileSize() {
    return directory.resolve("queue.buf").toFile().length();
  }

  @Test
  void whatATakeDidNotWaitForIsBackedAtOnce() throws Exception {
    scene.close();
    Path home = Files.createDirectory(directory.resolve("backed"));
    int always = (int) (BufferSlots.ALWAYS_BACKED >> 20);
    scene = new Scene(home, (always + 10) << 20, 20, 42);
    Scene.await(
        "all that is always backed",
        () ->
            home.resolve("queue.buf").toFile().length()
                == BufferSlots.DATA + ((long) always << 20));
  }

  @Test
  void freeBuffersBeyondThePoolSizeAreGivenBack() throws Exception {
    scene.freeBuffers = 4;
    scene.area.settle();
    long few = BufferSlots.DATA + 4 * CHUNK;
    Scene.await("few buffers", () -> bufferFileSize() == few);
    scene.liveWrite(0, scene.bytes(40 * CHUNK));
    assertArrayEquals(scene.image, scene.wholeImage());
  }

  @Test
  void rangesOutsideTheImageAreRefused() {
    assertEquals(
        Errno.EINVAL,
        assertThrows(BlksnapException.class, () -> scene.read(CAPACITY - 1, 2)).errno());
    assertEquals(
        Errno.ENOSPC,
        assertThrows(BlksnapException.class, () -> scene.area.writeZeroes(CAPACITY, 1)).errno());
    assertFalse(scene.area.status().savedChunks() > 0);
  }

  private void refusedRead() {
    BlksnapException refused = assertThrows(BlksnapException.class, () -> scene.read(0, 10));
    assertEquals(Errno.EIO, refused.errno());
  }
}

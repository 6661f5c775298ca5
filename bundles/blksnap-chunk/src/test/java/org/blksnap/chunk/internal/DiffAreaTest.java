// SPDX-License-Identifier: Apache-2.0
package org.blksnap.chunk.internal;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.nio.channels.Channels;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
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
  void neighbouringWholeChunksBecomeOneWrite() throws Exception {
    scene.maximumInQueue = 1000;
    scene.liveWrite(0, scene.bytes(8 * CHUNK));
    scene.area.settle();
    assertEquals(8 * CHUNK, scene.storage.written.get());
    assertTrue(scene.storage.writes.get() < 8, scene.storage.writes + " writes for 8 chunks");
    assertArrayEquals(scene.image, scene.wholeImage());
  }

  @Test
  void aLiveWriteGoesOnWhereThereIsNoMemoryToSaveFor() throws Exception {
    scene.liveError = new OutOfMemoryError("by the test");
    scene.liveWrite(0, scene.bytes(4096));
    assertNotEquals(Errno.OK, scene.area.error());
    assertTrue(scene.area.detail().contains("by the test"), scene.area.detail());
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
}

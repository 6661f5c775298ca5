// SPDX-License-Identifier: Apache-2.0
package org.blksnap.chunk.internal;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.CountDownLatch;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What an image write changes, and what it leaves alone. */
class ImageWriteTest {
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

  private void withFourBuffers() throws Exception {
    scene.close();
    Path home = Files.createDirectory(directory.resolve("four"));
    scene = new Scene(home, CAPACITY, 18, 42, Duration.ofMinutes(5), 4 * CHUNK);
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
}

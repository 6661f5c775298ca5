// SPDX-License-Identifier: Apache-2.0
package org.blksnap.chunk.internal;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A storage that is full, slow, hangs or fails, and who notices. */
class TroubledStorageTest {
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

  private void refusedRead() {
    BlksnapException refused = assertThrows(BlksnapException.class, () -> scene.read(0, 10));
    assertEquals(Errno.EIO, refused.errno());
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
}

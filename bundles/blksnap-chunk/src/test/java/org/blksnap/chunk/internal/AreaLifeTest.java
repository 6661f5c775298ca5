// SPDX-License-Identifier: Apache-2.0
package org.blksnap.chunk.internal;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** How an area begins, goes on with its successor, and ends. */
class AreaLifeTest {
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
}

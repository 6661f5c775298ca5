// SPDX-License-Identifier: Apache-2.0
package org.blksnap.chunk.internal;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.spi.chunk.DiffArea;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Writers that wait for one of four buffers, behind a storage that hangs or is slow. */
@Timeout(60)
class EndedWaitsTest {
  private static final int CHUNK = 1 << 18;
  private static final int CHUNKS = 60;
  private static final int SLOTS = 4;
  private static final int WRITERS = 6;

  /** Longer than any of these tests waits: nothing here may end by the stall limit. */
  private static final Duration STALL = Duration.ofMinutes(5);

  @TempDir Path directory;
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private final CountDownLatch hang = new CountDownLatch(1);
  private Scene scene;

  @BeforeEach
  void take() throws Exception {
    scene = new Scene(directory, CHUNKS * CHUNK, 18, 42, STALL, SLOTS * CHUNK);
    scene.maximumInQueue = 1;
  }

  @AfterEach
  void destroy() {
    hang.countDown();
    scene.close();
    threads.shutdownNow();
  }

  /** All buffers are taken, then each writer waits for one; the answer is what each ended with. */
  private List<Future<Errno>> waitingWriters() throws Exception {
    scene.storage.hang = hang;
    for (int i = 0; i < SLOTS; i++) {
      scene.liveWrite(i * CHUNK, scene.bytes(4096));
    }
    List<Future<Errno>> writers = new ArrayList<>();
    for (int i = 0; i < WRITERS; i++) {
      int offset = (SLOTS + i) * CHUNK;
      writers.add(threads.submit(() -> preserve(offset)));
    }
    Scene.await("all wait", () -> area().waiting() == WRITERS);
    return writers;
  }

  private MappedDiffArea area() {
    return (MappedDiffArea) scene.area;
  }

  private Errno preserve(int offset) {
    try {
      scene.area.preserve(offset, 4096, false);
      return Errno.OK;
    } catch (BlksnapException e) {
      return e.errno();
    }
  }

  private static void assertAllEnd(Errno with, List<Future<Errno>> writers) throws Exception {
    for (Future<Errno> writer : writers) {
      assertEquals(with, writer.get(10, TimeUnit.SECONDS));
    }
  }

  @Test
  void retiringSendsThemToTheSuccessorAtOnce() throws Exception {
    List<Future<Errno>> writers = waitingWriters();
    scene.area.retire();
    assertAllEnd(Errno.EAGAIN, writers);
    hang.countDown();
    scene.area.close();
    assertEquals(Errno.OK, scene.area.error(), scene.area.detail());
    scene.storage.hang = null;
    scene.area = scene.engine.adopt(scene.request());
    for (int i = 0; i < WRITERS; i++) {
      scene.liveWrite((SLOTS + i) * CHUNK, scene.bytes(4096));
    }
    assertArrayEquals(scene.image, scene.wholeImage());
  }

  @Test
  void destroyLetsThemPassAtOnce() throws Exception {
    List<Future<Errno>> writers = waitingWriters();
    scene.area.abandon();
    assertAllEnd(Errno.OK, writers);
    assertEquals(Errno.OK, scene.area.error());
    assertEquals(Errno.ESTALE, refusedRead());
  }

  @Test
  void corruptionLetsThemPassAtOnce() throws Exception {
    List<Future<Errno>> writers = waitingWriters();
    scene.area.corrupt(Errno.EIO, "by the test");
    assertAllEnd(Errno.OK, writers);
  }

  @Test
  void whoClosesTheirGateSendsThemAwayAndTheyMayComeAgain() throws Exception {
    List<Future<Errno>> writers = waitingWriters();
    scene.area.sendAway();
    assertAllEnd(Errno.EAGAIN, writers);
    Future<Errno> again = threads.submit(() -> preserve(SLOTS * CHUNK));
    hang.countDown();
    assertEquals(Errno.OK, again.get(10, TimeUnit.SECONDS));
    assertArrayEquals(scene.image, scene.wholeImage());
  }

  @Test
  void aLateErrorOfAClosedAreaDoesNotReachItsSuccessor() throws Exception {
    scene.liveWrite(0, scene.bytes(4096));
    DiffArea old = scene.area;
    old.close();
    scene.area = scene.engine.adopt(scene.request());
    old.corrupt(Errno.EIO, "the storage stalled");
    scene.area.close();
    scene.area = scene.engine.adopt(scene.request());
    assertEquals(Errno.OK, scene.area.error(), scene.area.detail());
    assertArrayEquals(scene.image, scene.wholeImage());
  }

  @Test
  void aLargeDiscardLetsAWriteInBetween() throws Exception {
    scene.storage.delay = 5;
    Future<Errno> discard =
        threads.submit(
            () -> {
              scene.area.preserve(0, (CHUNKS - 1) * (long) CHUNK, false);
              return Errno.OK;
            });
    Scene.await("the discard waits", () -> area().waiting() == 1);
    long before = scene.area.status().savedChunks();
    assertEquals(Errno.OK, preserve((CHUNKS - 1) * CHUNK));
    long meanwhile = scene.area.status().savedChunks() - before;
    assertTrue(meanwhile <= SLOTS + 2, meanwhile + " chunks were saved before the write's one");
    assertEquals(Errno.OK, discard.get(30, TimeUnit.SECONDS));
    assertArrayEquals(scene.image, scene.wholeImage());
  }

  @Test
  void aFullStorageIsNotTheEndWhileAHelperIsStoring() throws Exception {
    scene.storage.delay = 10;
    scene.storage.lastHelper = hang;
    int next = 0;
    while (scene.storage.helpersHang.get() == 0) {
      scene.liveWrite(next++ * CHUNK, scene.bytes(CHUNK));
    }
    int from = next;
    assertTrue(from < CHUNKS / 2, from + " writes and no helper");
    Future<Errno> writer =
        threads.submit(
            () -> {
              for (int i = from; i < from + SLOTS; i++) {
                scene.liveWrite(i * CHUNK, scene.bytes(CHUNK));
              }
              return Errno.OK;
            });
    Scene.await("the write waits", () -> area().waiting() == 1);
    int refused = scene.storage.refused.get();
    Scene.await("many rounds in vain", () -> scene.storage.refused.get() > refused + 20);
    assertEquals(Errno.OK, scene.area.error(), scene.area.detail());
    scene.storage.filled.set((long) CHUNKS / 2 * CHUNK);
    hang.countDown();
    scene.storage.delay = 0;
    assertEquals(Errno.OK, writer.get(30, TimeUnit.SECONDS));
    assertEquals(Errno.OK, scene.area.error(), scene.area.detail());
    assertArrayEquals(scene.image, scene.wholeImage());
  }

  private Errno refusedRead() {
    try {
      scene.read(0, 512);
      return Errno.OK;
    } catch (BlksnapException e) {
      return e.errno();
    } catch (java.io.IOException e) {
      throw new AssertionError(e);
    }
  }
}

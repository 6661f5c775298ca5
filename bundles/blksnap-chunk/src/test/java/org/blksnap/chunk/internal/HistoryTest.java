// SPDX-License-Identifier: Apache-2.0
package org.blksnap.chunk.internal;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import org.blksnap.api.block.Errno;
import org.blksnap.spi.chunk.DiffArea;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Random histories against a plain copy. */
class HistoryTest {
  private static final int STEPS = Integer.getInteger("steps", 1500);
  private static final int WRITES = Integer.getInteger("writes", 4000);

  /** No history ends by the stall limit, however busy the machine is. */
  private static final Duration PATIENT = Duration.ofMinutes(5);

  @TempDir Path directory;

  @Test
  void aHistoryOfOneThreadEqualsTheCopy() throws Exception {
    long seed = Scene.seed();
    for (int round = 0; round < 4; round++) {
      Path home = Files.createDirectory(directory.resolve("h" + round));
      int shift = 12 + new Random(seed + round).nextInt(8);
      int capacity = 512 * (1000 + new Random(seed - round).nextInt(4000));
      try (Scene scene = new Scene(home, capacity, shift, seed + round, PATIENT, 64L << 20)) {
        zeroSomeOf(scene);
        for (int step = 0; step < STEPS; step++) {
          step(scene, step, "seed " + seed + " round " + round + " step " + step);
        }
        assertArrayEquals(scene.image, scene.wholeImage(), "seed " + seed + " round " + round);
      }
    }
  }

  /** Before the first write: a third of the device is zeroes. */
  private static void zeroSomeOf(Scene scene) {
    for (int i = 0; i < 40; i++) {
      int from = scene.random.nextInt(scene.live.length);
      int to = Math.min(scene.live.length, from + scene.live.length / 100);
      Arrays.fill(scene.live, from, to, (byte) 0);
      Arrays.fill(scene.image, from, to, (byte) 0);
    }
  }

  private void step(Scene scene, int step, String where) throws Exception {
    Random random = scene.random;
    int length = 1 + random.nextInt(random.nextInt(10) == 0 ? 300_000 : 9000);
    length = Math.min(length, scene.live.length);
    int offset = random.nextInt(scene.live.length - length + 1);
    switch (random.nextInt(12)) {
      case 0, 1, 2, 3 -> scene.liveWrite(offset, scene.bytes(length));
      case 4, 5 -> scene.imageWrite(offset, scene.bytes(length));
      case 6 -> scene.imageWrite(offset, new byte[length]);
      case 7 -> {
        scene.area.writeZeroes(offset, length);
        Arrays.fill(scene.image, offset, offset + length, (byte) 0);
      }
      case 8 -> {
        scene.maximumInQueue = 1 + random.nextInt(40);
        scene.freeBuffers = random.nextInt(200);
      }
      case 9 -> {
        if (step % 5 == 0) {
          scene.area.close();
          scene.area = scene.engine.adopt(scene.request());
        } else {
          scene.area.settle();
        }
      }
      case 10 -> {
        if (step % 10 == 0) {
          killAndCompare(scene, where);
        }
      }
      default -> {}
    }
    assertEquals(Errno.OK, scene.area.error(), scene.area.detail());
    assertArrayEquals(
        Arrays.copyOfRange(scene.image, offset, offset + length),
        scene.read(offset, length),
        where);
  }

  /**
   * What a kill at this moment would leave, with the worker running: slots first, then the map,
   * then the storage, the order in which nothing that moves on can be missed.
   */
  private void killAndCompare(Scene scene, String where) throws Exception {
    Path copy = Files.createTempDirectory(directory, "kill");
    for (String name : new String[] {"queue.buf", "chunks.map"}) {
      Files.copy(scene.directory.resolve(name), copy.resolve(name));
    }
    DiffArea successor = scene.engine.adopt(scene.request(copy, new FakeStorage(scene.storage)));
    byte[] read = Scene.read(successor, 0, scene.live.length);
    successor.delete();
    assertArrayEquals(scene.image, read, "after a kill, " + where);
  }

  @Test
  void readersNeverSeeATornMixUnderWriters() throws Exception {
    long seed = Scene.seed();
    int shift = 15;
    try (Scene scene = new Scene(directory, 24 << 20, shift, seed, PATIENT, 1L << 20)) {
      scene.freeBuffers = 8;
      AtomicBoolean done = new AtomicBoolean();
      int half = scene.live.length / 2;
      List<Callable<Void>> writers = new ArrayList<>();
      List<Callable<Void>> others = new ArrayList<>();
      for (int i = 0; i < 2; i++) {
        long own = seed + i;
        writers.add(() -> writeLive(scene, new Random(own)));
        others.add(() -> readImage(scene, new Random(own), half, done));
        int from = half + i * half / 2;
        others.add(() -> writeImage(scene, new Random(own), from, half / 2, done));
      }
      ExecutorService threads = Executors.newCachedThreadPool();
      try {
        List<Future<Void>> running = new ArrayList<>();
        others.forEach(task -> running.add(threads.submit(task)));
        for (Future<Void> writer : threads.invokeAll(writers)) {
          writer.get();
        }
        done.set(true);
        for (Future<Void> other : running) {
          other.get();
        }
      } finally {
        done.set(true);
        threads.shutdown();
      }
      assertEquals(Errno.OK, scene.area.error(), scene.area.detail());
      assertArrayEquals(scene.image, scene.wholeImage(), "seed " + seed);
      scene.area.settle();
      assertArrayEquals(scene.image, scene.wholeImage(), "settled, seed " + seed);
      scene.area.close();
      scene.area = scene.engine.adopt(scene.request());
      assertArrayEquals(scene.image, scene.wholeImage(), "adopted, seed " + seed);
    }
  }

  private static Void writeLive(Scene scene, Random random) throws Exception {
    byte[] data = new byte[200_000];
    random.nextBytes(data);
    for (int i = 0; i < WRITES; i++) {
      int length = 1 + random.nextInt(random.nextInt(50) == 0 ? data.length : 9000);
      int offset = random.nextInt(scene.live.length - length);
      scene.area.preserve(offset, length, false);
      System.arraycopy(data, data.length - length, scene.live, offset, length);
    }
    return null;
  }

  private static Void readImage(Scene scene, Random random, int limit, AtomicBoolean done)
      throws Exception {
    ByteBuffer buffer = ByteBuffer.allocate(150_000);
    while (!done.get()) {
      int length = 1 + random.nextInt(buffer.capacity());
      int offset = random.nextInt(limit - length);
      buffer.clear().limit(length);
      scene.area.read(buffer, offset);
      assertEquals(
          -1,
          Arrays.mismatch(buffer.array(), 0, length, scene.image, offset, offset + length),
          "torn at " + offset + " length " + length);
    }
    return null;
  }

  private static Void writeImage(Scene scene, Random random, int from, int size, AtomicBoolean done)
      throws Exception {
    while (!done.get()) {
      int length = 1 + random.nextInt(20_000);
      int offset = from + random.nextInt(size - length);
      byte[] data = new byte[length];
      random.nextBytes(data);
      scene.imageWrite(offset, data);
      assertArrayEquals(data, scene.read(offset, length));
      if (random.nextInt(3) == 0) {
        scene.area.writeZeroes(offset, length);
        Arrays.fill(scene.image, offset, offset + length, (byte) 0);
        assertArrayEquals(new byte[length], scene.read(offset, length));
      }
    }
    return null;
  }
}

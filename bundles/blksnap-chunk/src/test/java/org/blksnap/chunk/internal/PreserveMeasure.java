// SPDX-License-Identifier: Apache-2.0
package org.blksnap.chunk.internal;

import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Comparator;
import java.util.Random;
import java.util.UUID;
import org.blksnap.api.block.BlockSizeRule;
import org.blksnap.spi.chunk.DiffArea;
import org.blksnap.spi.chunk.DiffAreaRequest;

/** Prints what a preserve and an image read cost, on real files. Argument: a directory to use. */
final class PreserveMeasure {
  private static final int CAPACITY = 1 << 30;
  private static final ThreadMXBean CPU = ManagementFactory.getThreadMXBean();
  private static final OperatingSystemMXBean OS =
      (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
  private static final int ROUNDS = 3;

  private PreserveMeasure() {}

  public static void main(String[] args) throws Exception {
    Path home = Files.createTempDirectory(Path.of(args[0]), "measure");
    Path livePath = home.resolve("live");
    try (FileChannel live =
        FileChannel.open(
            livePath,
            StandardOpenOption.CREATE,
            StandardOpenOption.READ,
            StandardOpenOption.WRITE)) {
      Zeroes.fill(live, 0, CAPACITY);
      for (int round = 0; round < ROUNDS; round++) {
        measure(home, live, 4096, true, "random 4 KiB", 100_000);
        measure(home, live, 1 << 20, false, "sequential 1 MiB", 1024);
      }
      petabyte(home);
    } finally {
      try (var files = Files.walk(home)) {
        for (Path path : files.sorted(Comparator.reverseOrder()).toList()) {
          Files.delete(path);
        }
      }
    }
  }

  private static void measure(
      Path home, FileChannel live, int size, boolean shuffled, String what, int count)
      throws Exception {
    Path directory = Files.createTempDirectory(home, "area");
    FileStorage storage = new FileStorage(directory.resolve("storage"));
    long start = System.nanoTime();
    DiffArea area = new ChunkEngineComponent().create(request(directory, live, storage, CAPACITY));
    double created = (System.nanoTime() - start) / 1e6;
    long[] offsets =
        new Random(7)
            .longs(0, CAPACITY / size)
            .distinct()
            .limit(count)
            .map(page -> page * size)
            .toArray();
    if (!shuffled) {
      java.util.Arrays.sort(offsets);
    }
    start = System.nanoTime();
    long ownStart = CPU.getCurrentThreadCpuTime();
    long allStart = OS.getProcessCpuTime();
    for (long offset : offsets) {
      area.preserve(offset, size, false);
    }
    double first = (System.nanoTime() - start) / 1e3 / offsets.length;
    double own = (CPU.getCurrentThreadCpuTime() - ownStart) / 1e3 / offsets.length;
    start = System.nanoTime();
    area.settle();
    double settled = (System.nanoTime() - start) / 1e6;
    double all = (OS.getProcessCpuTime() - allStart) / 1e3 / offsets.length;
    start = System.nanoTime();
    for (int repeat = 0; repeat < 20; repeat++) {
      for (long offset : offsets) {
        area.preserve(offset, size, false);
      }
    }
    double again = (double) (System.nanoTime() - start) / offsets.length / 20;
    ByteBuffer buffer = ByteBuffer.allocateDirect(1 << 20);
    start = System.nanoTime();
    for (long at = 0; at < CAPACITY; at += buffer.capacity()) {
      buffer.clear();
      area.read(buffer, at);
    }
    double read = CAPACITY / 1.048576e6 / ((System.nanoTime() - start) / 1e9);
    System.out.printf(
        "%-16s create %.1f ms, first touch %.2f us (cpu: own %.2f, with worker %.2f), settle %.1f ms, again %.1f ns,"
            + " image read %.0f MiB/s, copied/wanted %.2f%n",
        what,
        created,
        first,
        own,
        all,
        settled,
        again,
        read,
        (double) area.status().copiedBytes() / ((long) offsets.length * size));
    area.delete();
    storage.close();
    Files.delete(directory.resolve("storage"));
  }

  private static void petabyte(Path home) throws Exception {
    Path directory = Files.createTempDirectory(home, "petabyte");
    FileStorage storage = new FileStorage(directory.resolve("storage"));
    DiffAreaRequest request = request(directory, null, storage, 1L << 50);
    long start = System.nanoTime();
    DiffArea area = new ChunkEngineComponent().create(request);
    double created = (System.nanoTime() - start) / 1e6;
    area.close();
    start = System.nanoTime();
    area = new ChunkEngineComponent().adopt(request);
    double adopted = (System.nanoTime() - start) / 1e6;
    System.out.printf(
        "1 PiB: %d chunks, create %.1f ms, adopt %.1f ms%n", area.chunkCount(), created, adopted);
    area.delete();
    storage.close();
  }

  private static DiffAreaRequest request(
      Path directory, FileChannel live, FileStorage storage, long capacity) {
    return new DiffAreaRequest(
        new UUID(1, 2),
        "disk",
        directory,
        capacity,
        new BlockSizeRule(18, 2_097_152, 26),
        4096,
        storage,
        (dst, offset) -> Zeroes.readFully(live, dst, offset),
        () -> 16,
        () -> 128,
        (error, detail) -> System.err.println("corrupted: " + detail));
  }
}

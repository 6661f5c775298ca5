// SPDX-License-Identifier: Apache-2.0
package org.blksnap.bench;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.UUID;
import org.blksnap.api.block.BlockSizeRule;
import org.blksnap.spi.chunk.ChunkEngine;
import org.blksnap.spi.chunk.DiffArea;
import org.blksnap.spi.device.DeviceProvider;
import org.blksnap.spi.device.OpenRequest;
import org.blksnap.spi.device.RawDevice;
import org.blksnap.spi.storage.DiffStorage;
import org.blksnap.spi.storage.StorageProvider;
import org.blksnap.spi.tracker.Tracker;
import org.blksnap.spi.tracker.TrackerProvider;

/**
 * Opens a sparse device of 1 PiB and its change map, then a diff area, in a small heap (goal P7).
 * What a block costs is the difference between two sizes of device: headers don't count.
 *
 * <p>The only argument is a directory whose file system takes files of 1 PiB (tmpfs, xfs, btrfs;
 * not ext4).
 */
public final class AttachCost {
  private static final long PEBIBYTE = 1L << 50;

  /** Measured first and not counted: what classes take in the heap is no cost of a device. */
  private static final long WARM_UP = 1L << 40;

  private static final double ATTACH_SECONDS = 1;
  private static final double CHUNK_BYTES = 24;
  private static final double TRACKING_BLOCK_BYTES = 2;

  private final DeviceProvider devices = Providers.of(DeviceProvider.class);
  private final TrackerProvider trackers = Providers.of(TrackerProvider.class);
  private final StorageProvider storages = Providers.of(StorageProvider.class);
  private final ChunkEngine engine = Providers.of(ChunkEngine.class);
  private final Scratch scratch = new Scratch();

  private AttachCost() throws IOException {}

  /** What one size of device costs; bytes are those of mapped files and of the heap. */
  private record Cost(
      double attachSeconds, long trackingBytes, double areaSeconds, long chunkBytes) {}

  public static void main(String[] arguments) throws IOException {
    AttachCost bench = new AttachCost();
    Cost half;
    Cost whole;
    Path file =
        Path.of(arguments[0]).resolve("blksnap-attach-cost-" + ProcessHandle.current().pid());
    try {
      bench.measure(file, WARM_UP);
      half = bench.measure(file, PEBIBYTE / 2);
      whole = bench.measure(file, PEBIBYTE);
    } finally {
      Files.deleteIfExists(file);
      bench.scratch.close();
    }
    long blocks = blocks(Parts.TRACKING, PEBIBYTE) - blocks(Parts.TRACKING, PEBIBYTE / 2);
    long chunks = blocks(Parts.CHUNKS, PEBIBYTE) - blocks(Parts.CHUNKS, PEBIBYTE / 2);
    GoalLine goals = new GoalLine(System.out);
    System.out.println(
        String.format(Locale.ROOT, "diff area of 1 PiB made in %.2f s", whole.areaSeconds()));
    goals.atMost(
        "P7",
        whole.attachSeconds(),
        ATTACH_SECONDS,
        String.format(
            Locale.ROOT,
            "s, attach of 1 PiB with a heap of %d MiB",
            Runtime.getRuntime().maxMemory() >> 20));
    goals.atMost(
        "P7",
        perBlock(whole.chunkBytes() - half.chunkBytes(), chunks),
        CHUNK_BYTES,
        "bytes a chunk");
    goals.atMost(
        "P7",
        perBlock(whole.trackingBytes() - half.trackingBytes(), blocks),
        TRACKING_BLOCK_BYTES,
        "bytes a tracking block");
    System.exit(goals.allMet() ? 0 : 1);
  }

  /** To a tenth of a byte: what else lives in the heap does not let it be told more finely. */
  private static double perBlock(long bytes, long blocks) {
    return Math.round(10.0 * bytes / blocks) / 10.0;
  }

  private static long blocks(BlockSizeRule rule, long capacity) {
    return BlockSizeRule.blocks(capacity, rule.shiftFor(capacity, 0));
  }

  private Cost measure(Path file, long capacity) throws IOException {
    try (RandomAccessFile sparse = new RandomAccessFile(file.toFile(), "rw")) {
      sparse.setLength(capacity);
    }
    String name = Long.toString(capacity);
    Path map = scratch.resolve(name + "-map");
    long heapBefore = heap();
    long begin = System.nanoTime();
    try (RawDevice device = devices.open(new OpenRequest(file, false, false))) {
      Tracker tracker = Parts.tracker(trackers, map, device.geometry().capacity());
      double attachSeconds = (System.nanoTime() - begin) / 1e9;
      tracker.mark(capacity - 1, 1);
      long heapTracking = heap();
      UUID snapshot = UUID.randomUUID();
      DiffStorage storage = Parts.storage(storages, snapshot, scratch.resolve(name + "-storage"));
      storage.appendMemory(1L << 27);
      Path chunks = scratch.folder(name + "-chunks");
      begin = System.nanoTime();
      DiffArea area = Parts.area(engine, snapshot, chunks, capacity, storage, AttachCost::zeroes);
      double areaSeconds = (System.nanoTime() - begin) / 1e9;
      long chunkBytes = Scratch.bytesBelow(chunks) + heap() - heapTracking;
      area.delete();
      storage.delete();
      tracker.close("");
      return new Cost(
          attachSeconds, Files.size(map) + heapTracking - heapBefore, areaSeconds, chunkBytes);
    }
  }

  private static void zeroes(ByteBuffer dst, long offset) {
    while (dst.hasRemaining()) {
      dst.put((byte) 0);
    }
  }

  private static long heap() {
    System.gc();
    Runtime runtime = Runtime.getRuntime();
    return runtime.totalMemory() - runtime.freeMemory();
  }
}

// SPDX-License-Identifier: Apache-2.0
package org.blksnap.bench;

import java.io.IOException;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.blksnap.spi.tracker.Tracker;
import org.blksnap.spi.tracker.TrackerProvider;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** Marking 4 KiB writes, in random order, over the map of a device of 1 TiB (goal P6). */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class MarkBench {
  static final int WRITES = 1 << 20;

  private static final long CAPACITY = 1L << 40;
  private static final int WRITE = 4096;
  private static final long SEED = 0x6d61726b;

  /** A tracker, and one write into each of half of its blocks. */
  @State(Scope.Benchmark)
  public static class Map {
    private Scratch scratch;
    private Tracker tracker;
    private long[] offsets;

    @Setup(Level.Trial)
    public void open() throws IOException {
      scratch = new Scratch();
      tracker =
          Parts.tracker(Providers.of(TrackerProvider.class), scratch.resolve("map"), CAPACITY);
      int blockSize = tracker.info().blockSize();
      long[] blocks = new long[tracker.info().blockCount()];
      SplittableRandom random = new SplittableRandom(SEED);
      for (int i = 0; i < blocks.length; i++) {
        int other = random.nextInt(i + 1);
        blocks[i] = blocks[other];
        blocks[other] = (long) i * blockSize + random.nextInt(blockSize / WRITE) * (long) WRITE;
      }
      offsets = java.util.Arrays.copyOf(blocks, WRITES);
    }

    void take() throws IOException {
      tracker.prepareTake(CAPACITY).commit();
    }

    void markAll() {
      for (long offset : offsets) {
        tracker.mark(offset, WRITE);
      }
    }

    @TearDown(Level.Trial)
    public void close() throws IOException {
      tracker.close("");
      scratch.close();
    }
  }

  /** Nothing is marked since the last take. */
  @State(Scope.Benchmark)
  public static class FreshMap extends Map {
    @Setup(Level.Invocation)
    public void fresh() throws IOException {
      take();
    }
  }

  /** Everything is marked already. */
  @State(Scope.Benchmark)
  public static class MarkedMap extends Map {
    @Setup(Level.Trial)
    @Override
    public void open() throws IOException {
      super.open();
      take();
      markAll();
    }
  }

  @Benchmark
  @OperationsPerInvocation(WRITES)
  public void firstTouch(FreshMap map) {
    map.markAll();
  }

  @Benchmark
  @OperationsPerInvocation(WRITES)
  public void again(MarkedMap map) {
    map.markAll();
  }
}

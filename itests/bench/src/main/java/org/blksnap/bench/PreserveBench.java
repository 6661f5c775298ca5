// SPDX-License-Identifier: Apache-2.0
package org.blksnap.bench;

import java.io.IOException;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.blksnap.spi.chunk.DiffArea;
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

/** What a snapshot adds to a 4 KiB write at a random place. */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class PreserveBench {
  static final int WRITES = 1 << 14;

  private static final int WRITE = 4096;
  private static final long SEED = 0x70726573;

  /** A held device, and a quarter of its pages in random order. */
  @State(Scope.Benchmark)
  public static class Held {
    final long[] offsets = new long[WRITES];
    HeldDevice device;
    DiffArea area;

    @Setup(Level.Trial)
    public void open() throws IOException {
      device = new HeldDevice();
      long[] pages = new long[(int) (HeldDevice.CAPACITY / WRITE)];
      SplittableRandom random = new SplittableRandom(SEED);
      for (int i = 0; i < pages.length; i++) {
        int other = random.nextInt(i + 1);
        pages[i] = pages[other];
        pages[other] = (long) i * WRITE;
      }
      System.arraycopy(pages, 0, offsets, 0, WRITES);
    }

    void preserveAll() throws IOException {
      for (long offset : offsets) {
        area.preserve(offset, WRITE, false);
      }
    }

    @TearDown(Level.Trial)
    public void close() throws IOException {
      device.close();
    }
  }

  /** Nothing is saved yet. */
  @State(Scope.Benchmark)
  public static class Fresh extends Held {
    @Setup(Level.Invocation)
    public void take() throws IOException {
      area = device.snapshot();
    }
  }

  /** Everything is saved already. */
  @State(Scope.Benchmark)
  public static class Saved extends Held {
    @Setup(Level.Trial)
    @Override
    public void open() throws IOException {
      super.open();
      area = device.snapshot();
      device.saveAll();
    }
  }

  @Benchmark
  @OperationsPerInvocation(WRITES)
  public void firstTouch(Fresh held) throws IOException {
    held.preserveAll();
  }

  @Benchmark
  @OperationsPerInvocation(WRITES)
  public void again(Saved held) throws IOException {
    held.preserveAll();
  }
}

// SPDX-License-Identifier: Apache-2.0
package org.blksnap.bench;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.concurrent.TimeUnit;
import org.blksnap.spi.chunk.DiffArea;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** Reading an image whose content is still that of the device, or saved. */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@State(Scope.Benchmark)
public class ImageReadBench {
  private static final int LARGE = 1 << 20;
  private static final int SMALL = 4096;

  /** Odd, so that every place is visited before one is again. */
  private static final long STRIDE = 40503L * SMALL;

  @Param({"live", "saved"})
  public String content;

  private final ByteBuffer large = ByteBuffer.allocateDirect(LARGE);
  private final ByteBuffer small = ByteBuffer.allocateDirect(SMALL);
  private HeldDevice device;
  private DiffArea area;
  private long largeAt;
  private long smallAt;

  @Setup(Level.Trial)
  public void open() throws IOException {
    device = new HeldDevice();
    area = device.snapshot();
    if (content.equals("saved")) {
      device.saveAll();
    }
  }

  @Benchmark
  public ByteBuffer sequential() throws IOException {
    area.read(large.clear(), largeAt);
    largeAt = (largeAt + LARGE) % HeldDevice.CAPACITY;
    return large;
  }

  @Benchmark
  public ByteBuffer random() throws IOException {
    area.read(small.clear(), smallAt);
    smallAt = (smallAt + STRIDE) % HeldDevice.CAPACITY;
    return small;
  }

  @TearDown(Level.Trial)
  public void close() throws IOException {
    device.close();
  }
}

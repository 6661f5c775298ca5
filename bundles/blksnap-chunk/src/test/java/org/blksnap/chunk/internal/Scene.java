// SPDX-License-Identifier: Apache-2.0
package org.blksnap.chunk.internal;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.BlockSizeRule;
import org.blksnap.spi.chunk.DiffArea;
import org.blksnap.spi.chunk.DiffAreaRequest;
import org.blksnap.spi.chunk.LiveReader;
import org.blksnap.spi.storage.DiffStorage;

/** A live device that is a byte array, its copy at the take, and a diff area between. */
final class Scene implements AutoCloseable {
  static final Duration STALL = Duration.ofMillis(400);

  final UUID snapshot = new UUID(0x0011223344556677L, 0x8899aabbccddeeffL);
  final byte[] live;
  final byte[] image;
  final AtomicLong liveReads = new AtomicLong();
  final List<String> corruptions = new CopyOnWriteArrayList<>();
  final ChunkEngineComponent engine;
  final Random random;
  Path directory;
  FakeStorage storage;
  BlockSizeRule rule;
  volatile IOException liveFailure;
  volatile Error liveError;

  /** The live device says that it has a hole up to here. */
  volatile long holesTo;

  volatile int maximumInQueue = 16;
  volatile int freeBuffers = 128;
  DiffArea area;

  Scene(Path directory, int capacity, int chunkShift, long seed) throws BlksnapException {
    this(directory, capacity, chunkShift, seed, STALL, 64L << 20);
  }

  Scene(Path directory, int capacity, int chunkShift, long seed, Duration stallLimit, long buffers)
      throws BlksnapException {
    engine = new ChunkEngineComponent(stallLimit, () -> buffers);
    this.directory = directory;
    random = new Random(seed);
    live = new byte[capacity];
    random.nextBytes(live);
    image = live.clone();
    rule = new BlockSizeRule(chunkShift, 1 << 20, chunkShift);
    storage = new FakeStorage(capacity + (2 << chunkShift));
    area = engine.create(request());
  }

  DiffAreaRequest request() {
    return request(directory, storage);
  }

  DiffAreaRequest request(Path at, DiffStorage pool) {
    return new DiffAreaRequest(
        snapshot,
        "disk",
        at,
        live.length,
        rule,
        512,
        pool,
        new Live(),
        () -> maximumInQueue,
        () -> freeBuffers,
        (error, detail) -> corruptions.add(error + " " + detail));
  }

  private final class Live implements LiveReader {
    @Override
    public void read(ByteBuffer dst, long offset) throws IOException {
      if (liveFailure != null) {
        throw liveFailure;
      }
      if (liveError != null) {
        throw liveError;
      }
      liveReads.addAndGet(dst.remaining());
      dst.put(live, (int) offset, dst.remaining());
    }

    @Override
    public boolean hole(long offset, long length) {
      return offset + length <= holesTo;
    }
  }

  void liveWrite(int offset, byte[] data) throws IOException {
    area.preserve(offset, data.length, false);
    System.arraycopy(data, 0, live, offset, data.length);
  }

  void imageWrite(int offset, byte[] data) throws IOException {
    area.write(ByteBuffer.wrap(data), offset);
    System.arraycopy(data, 0, image, offset, data.length);
  }

  byte[] bytes(int length) {
    byte[] data = new byte[length];
    random.nextBytes(data);
    return data;
  }

  byte[] read(int offset, int length) throws IOException {
    return read(area, offset, length);
  }

  static byte[] read(DiffArea from, int offset, int length) throws IOException {
    ByteBuffer dst = ByteBuffer.allocate(length);
    from.read(dst, offset);
    assertTrue(!dst.hasRemaining(), "read wholly");
    return dst.array();
  }

  byte[] wholeImage() throws IOException {
    return read(0, live.length);
  }

  static void await(String what, BooleanSupplier condition) throws InterruptedException {
    long deadline = System.nanoTime() + Duration.ofSeconds(20).toNanos();
    while (!condition.getAsBoolean()) {
      assertTrue(System.nanoTime() < deadline, "never happened: " + what);
      Thread.sleep(1);
    }
  }

  static long seed() {
    long seed = Long.getLong("seed", System.nanoTime());
    System.out.println("replay with -Dseed=" + seed);
    return seed;
  }

  @Override
  public void close() {
    if (storage.hang != null) {
      storage.hang.countDown();
    }
    area.delete();
  }
}

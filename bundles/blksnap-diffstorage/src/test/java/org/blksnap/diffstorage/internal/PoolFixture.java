// SPDX-License-Identifier: Apache-2.0
package org.blksnap.diffstorage.internal;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.ByteRange;
import org.blksnap.api.block.Geometry;
import org.blksnap.api.handover.HandoverShelf;
import org.blksnap.spi.storage.DiffStorage;
import org.blksnap.spi.storage.StorageProvider;
import org.blksnap.spi.storage.StorageRequest;

/** A provider, a request and what came of it. */
final class PoolFixture {
  static final long DEADLINE_NANOS = 20_000_000_000L;

  final Path directory;
  final UUID snapshot = new UUID(0x0123456789abcdefL, 0x8edcba9876543210L);
  final AtomicLong minimumSectors = new AtomicLong(1000);

  /** Bytes asked for, in order. */
  final List<Long> asks = new CopyOnWriteArrayList<>();

  final StorageRequest request;
  final MapShelf shelf = new MapShelf();

  PoolFixture(Path directory) {
    this.directory = directory;
    this.request =
        new StorageRequest(snapshot, directory.resolve("storage"), minimumSectors::get, asks::add);
  }

  /** As a bundle of its own would have it: nothing is shared but shelf and files. */
  StorageProvider provider() {
    DiffStorageProvider provider = new DiffStorageProvider(BlockUse.onThisHost());
    provider.bindShelf(shelf);
    return provider;
  }

  DiffStorage create() throws BlksnapException {
    return provider().create(request);
  }

  DiffStorage adopt() throws BlksnapException {
    return provider().adopt(request);
  }

  Path file(String name, long bytes) throws IOException {
    Path file = directory.resolve(name);
    try (RandomAccessFile made = new RandomAccessFile(file.toFile(), "rw")) {
      made.setLength(bytes);
    }
    return file;
  }

  static Geometry geometry(Path file) throws IOException {
    return new Geometry(Files.size(file), 512, 512, 512, false, false);
  }

  static Geometry geometry(long capacity, int logicalBlock) {
    return new Geometry(capacity, logicalBlock, logicalBlock, logicalBlock, false, false);
  }

  void append(DiffStorage pool, Path file, ByteRange... ranges) throws IOException {
    pool.appendRanges(file, List.of(ranges), geometry(file));
  }

  /** Sectors asked for, in order. */
  List<Long> asked() {
    return asks.stream().map(bytes -> bytes / 512).toList();
  }

  static ByteBuffer pattern(int length, int seed) {
    ByteBuffer bytes = ByteBuffer.allocateDirect(length);
    for (int i = 0; i < length; i++) {
      bytes.put(i, (byte) (i * 31 + seed));
    }
    return bytes;
  }

  static ByteBuffer read(DiffStorage pool, long address, int length) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocateDirect(length);
    pool.read(address, bytes);
    return bytes.flip();
  }

  static void await(String what, BooleanSupplier condition) throws InterruptedException {
    long end = System.nanoTime() + DEADLINE_NANOS;
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() > end) {
        throw new AssertionError("not within 20 s: " + what);
      }
      Thread.sleep(2);
    }
  }

  static final class MapShelf implements HandoverShelf {
    private final Map<String, Object> left = new HashMap<>();

    @Override
    public synchronized void leave(String key, Object neutral) {
      left.put(key, neutral);
    }

    @Override
    public synchronized Optional<Object> fetch(String key) {
      return Optional.ofNullable(left.remove(key));
    }

    synchronized boolean isEmpty() {
      return left.isEmpty();
    }
  }
}

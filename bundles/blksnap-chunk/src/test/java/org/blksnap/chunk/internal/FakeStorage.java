// SPDX-License-Identifier: Apache-2.0
package org.blksnap.chunk.internal;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.ByteRange;
import org.blksnap.api.block.Errno;
import org.blksnap.api.block.Geometry;
import org.blksnap.api.snapshot.StorageStatus;
import org.blksnap.spi.storage.DiffStorage;

/** A storage in memory that fails, hangs or is full when told to. */
class FakeStorage implements DiffStorage {
  final byte[] bytes;
  final AtomicLong filled = new AtomicLong();
  final AtomicLong written = new AtomicLong();
  volatile IOException writeFailure;
  volatile CountDownLatch hang;

  FakeStorage(int size) {
    bytes = new byte[size];
  }

  FakeStorage(FakeStorage copied) {
    bytes = copied.bytes.clone();
    filled.set(copied.filled.get());
  }

  @Override
  public long allocate(int size) throws BlksnapException {
    long address = filled.getAndAdd(size);
    if (address + size > bytes.length) {
      throw new BlksnapException(Errno.ENOSPC, "the pool is over");
    }
    return address;
  }

  @Override
  public void read(long address, ByteBuffer dst) {
    dst.put(bytes, (int) address, dst.remaining());
  }

  @Override
  public void write(long address, ByteBuffer src) throws IOException {
    CountDownLatch latch = hang;
    if (latch != null) {
      try {
        latch.await();
      } catch (InterruptedException e) {
        throw new IOException(e);
      }
    }
    if (writeFailure != null) {
      throw writeFailure;
    }
    written.addAndGet(src.remaining());
    src.get(bytes, (int) address, src.remaining());
  }

  @Override
  public void transferTo(long address, long length, WritableByteChannel target) throws IOException {
    target.write(ByteBuffer.wrap(bytes, (int) address, (int) length));
  }

  @Override
  public void appendRanges(Path path, List<ByteRange> ranges, Geometry geometry) {
    throw new UnsupportedOperationException();
  }

  @Override
  public void appendDirectory(Path directory, long limit) {
    throw new UnsupportedOperationException();
  }

  @Override
  public void appendMemory(long size) {
    throw new UnsupportedOperationException();
  }

  @Override
  public boolean isEmpty() {
    return false;
  }

  @Override
  public int logicalBlockSize() {
    return 512;
  }

  @Override
  public StorageStatus status() {
    return new StorageStatus(
        bytes.length / 512, filled.get() / 512, bytes.length / 512, 0, false, List.of());
  }

  @Override
  public void close() {}

  @Override
  public void delete() {}
}

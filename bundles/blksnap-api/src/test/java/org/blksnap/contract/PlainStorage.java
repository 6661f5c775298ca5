// SPDX-License-Identifier: Apache-2.0
package org.blksnap.contract;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.ByteRange;
import org.blksnap.api.block.Errno;
import org.blksnap.api.block.Geometry;
import org.blksnap.api.snapshot.StorageStatus;
import org.blksnap.spi.storage.DiffStorage;

/** A difference storage that is a byte array of one size, for tests of those who use one. */
public class PlainStorage implements DiffStorage {
  public final byte[] bytes;
  public final AtomicLong filled = new AtomicLong();

  public PlainStorage(int size) {
    this(new byte[size]);
  }

  protected PlainStorage(byte[] bytes) {
    this.bytes = bytes;
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
  public void read(long address, ByteBuffer dst) throws IOException {
    dst.put(bytes, (int) address, dst.remaining());
  }

  @Override
  public void write(long address, ByteBuffer src) throws IOException {
    src.get(bytes, (int) address, src.remaining());
  }

  @Override
  public void transferTo(long address, long length, WritableByteChannel target) throws IOException {
    ByteBuffer view = ByteBuffer.wrap(bytes, (int) address, (int) length);
    while (view.hasRemaining()) {
      target.write(view);
    }
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
  public void expect(LongSupplier atMost) {}

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

// SPDX-License-Identifier: Apache-2.0
package org.blksnap.chunk.internal;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.contract.PlainStorage;

/** A storage in memory that fails, hangs or is full when told to. */
class FakeStorage extends PlainStorage {
  final AtomicLong written = new AtomicLong();
  final AtomicLong writes = new AtomicLong();
  final AtomicInteger atOnce = new AtomicInteger();
  final AtomicInteger mostAtOnce = new AtomicInteger();
  volatile IOException writeFailure;
  volatile CountDownLatch hang;

  /** The first helper finds that its chunk was the last for which there was room, and hangs. */
  volatile CountDownLatch lastHelper;

  final AtomicInteger helpersHang = new AtomicInteger();
  final AtomicInteger refused = new AtomicInteger();

  /** Milliseconds each write takes. */
  volatile long delay;

  FakeStorage(int size) {
    super(size);
  }

  FakeStorage(FakeStorage copied) {
    super(copied.bytes.clone());
    filled.set(copied.filled.get());
  }

  @Override
  public long allocate(int length) throws BlksnapException {
    try {
      return super.allocate(length);
    } catch (BlksnapException e) {
      refused.incrementAndGet();
      throw e;
    }
  }

  private void hangIfHelper() throws IOException {
    CountDownLatch latch = lastHelper;
    if (latch != null && Thread.currentThread().getName().endsWith("-helper")) {
      filled.set(bytes.length);
      helpersHang.incrementAndGet();
      try {
        latch.await();
      } catch (InterruptedException e) {
        throw new IOException(e);
      }
    }
  }

  @Override
  public void write(long address, ByteBuffer src) throws IOException {
    mostAtOnce.accumulateAndGet(atOnce.incrementAndGet(), Math::max);
    try {
      writeOne(address, src);
    } finally {
      atOnce.decrementAndGet();
    }
  }

  private void writeOne(long address, ByteBuffer src) throws IOException {
    hangIfHelper();
    CountDownLatch latch = hang;
    if (latch != null) {
      try {
        latch.await();
      } catch (InterruptedException e) {
        throw new IOException(e);
      }
    }
    if (delay > 0) {
      try {
        Thread.sleep(delay);
      } catch (InterruptedException e) {
        throw new IOException(e);
      }
    }
    if (writeFailure != null) {
      throw writeFailure;
    }
    written.addAndGet(src.remaining());
    writes.incrementAndGet();
    super.write(address, src);
  }
}

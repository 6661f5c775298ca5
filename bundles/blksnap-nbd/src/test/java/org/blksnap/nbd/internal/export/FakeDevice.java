// SPDX-License-Identifier: Apache-2.0
package org.blksnap.nbd.internal.export;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.blksnap.api.block.AllocationExtent;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.block.Geometry;
import org.blksnap.api.block.IoFlags;
import org.blksnap.api.change.CbtInfo;
import org.blksnap.api.change.ChangeMap;
import org.blksnap.api.snapshot.AttachRequest;
import org.blksnap.api.snapshot.AttachedDevice;
import org.blksnap.api.snapshot.DeviceCondition;
import org.blksnap.api.snapshot.GateStatistics;

/** A device that is a byte array, with faults to inject. */
public class FakeDevice implements AttachedDevice {
  private static final int PAGE = 4096;
  private static final IoFlags OF_A_WRITE = IoFlags.FUA.with(IoFlags.NO_WAIT);
  private static final IoFlags OF_ZEROES = OF_A_WRITE.with(IoFlags.NO_HOLE).with(IoFlags.FAST_ZERO);

  final String name;
  public final byte[] bytes;
  public final FakeChangeMap changes = new FakeChangeMap();
  public volatile Errno fault;
  public volatile long badFrom = Long.MAX_VALUE;
  public volatile Error error;
  public volatile long delayMillis;
  public final AtomicInteger flushes = new AtomicInteger();

  /** Requests wait for it, where there is one; so many do now. */
  public volatile CountDownLatch held;

  public final AtomicInteger waiting = new AtomicInteger();
  public volatile IoFlags lastFlags = IoFlags.NONE;
  volatile boolean rotational;
  public volatile boolean readOnly;

  public FakeDevice(String name, int size) {
    this(name, new byte[size]);
  }

  /** Shares the bytes: a second engine's view of the same device. */
  public FakeDevice(String name, byte[] bytes) {
    this.name = name;
    this.bytes = bytes;
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public Geometry geometry() {
    return new Geometry(bytes.length, 512, 4096, 4096, rotational, readOnly);
  }

  private void check(long offset, long length, Errno outside) throws BlksnapException {
    Errno now = fault;
    Error grave = error;
    if (grave != null) {
      throw grave;
    }
    if (now != null) {
      throw new BlksnapException(now, "injected " + now);
    }
    if (offset < 0 || length < 0 || offset > bytes.length - length) {
      throw new BlksnapException(outside, "outside");
    }
    CountDownLatch latch = held;
    if (delayMillis > 0 || latch != null) {
      try {
        if (latch != null) {
          waiting.incrementAndGet();
          latch.await();
        }
        Thread.sleep(delayMillis);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private void checkChange(long offset, long length, IoFlags flags, IoFlags allowed)
      throws BlksnapException {
    if (!flags.within(allowed)) {
      throw new BlksnapException(Errno.EINVAL, "flags " + flags + ", allowed are " + allowed);
    }
    check(offset, length, Errno.ENOSPC);
    if (readOnly) {
      throw new BlksnapException(Errno.EROFS, "read-only");
    }
  }

  @Override
  public void read(ByteBuffer dst, long offset) throws IOException {
    check(offset, dst.remaining(), Errno.EINVAL);
    if (offset + dst.remaining() > badFrom) {
      throw new BlksnapException(Errno.EIO, "bad from " + badFrom);
    }
    dst.put(bytes, (int) offset, dst.remaining());
  }

  @Override
  public void write(ByteBuffer src, long offset, IoFlags flags) throws IOException {
    checkChange(offset, src.remaining(), flags, OF_A_WRITE);
    lastFlags = flags;
    src.get(bytes, (int) offset, src.remaining());
  }

  @Override
  public void discard(long offset, long length, IoFlags flags) throws IOException {
    checkChange(offset, length, flags, OF_A_WRITE);
    lastFlags = flags;
    zero(offset, length);
  }

  @Override
  public void writeZeroes(long offset, long length, IoFlags flags) throws IOException {
    checkChange(offset, length, flags, OF_ZEROES);
    lastFlags = flags;
    if (flags.has(IoFlags.FAST_ZERO)) {
      throw new BlksnapException(Errno.EOPNOTSUPP, "not fast here");
    }
    zero(offset, length);
  }

  private void zero(long offset, long length) {
    java.util.Arrays.fill(bytes, (int) offset, (int) (offset + length), (byte) 0);
  }

  @Override
  public void flush() throws IOException {
    check(0, 0, Errno.EINVAL);
    flushes.incrementAndGet();
  }

  @Override
  public void transferTo(long offset, long length, WritableByteChannel target) throws IOException {
    check(offset, length, Errno.EINVAL);
    ByteBuffer view = ByteBuffer.wrap(bytes, (int) offset, (int) length);
    while (view.hasRemaining()) {
      target.write(view);
    }
  }

  /** Pages of zeroes are holes. */
  @Override
  public List<AllocationExtent> allocation(long offset, long length, int limit) throws IOException {
    check(offset, length, Errno.EINVAL);
    List<AllocationExtent> extents = new java.util.ArrayList<>();
    for (long at = offset; at < offset + length; ) {
      long next = Math.min((at / PAGE + 1) * PAGE, offset + length);
      boolean zero = true;
      for (long i = at / PAGE * PAGE;
          zero && i < Math.min((at / PAGE + 1) * PAGE, bytes.length);
          i++) {
        zero = bytes[(int) i] == 0;
      }
      AllocationExtent last = extents.isEmpty() ? null : extents.get(extents.size() - 1);
      if (last != null && last.hole() == zero) {
        extents.set(
            extents.size() - 1,
            new AllocationExtent(last.offset(), last.length() + next - at, zero, zero));
      } else if (extents.size() == limit) {
        return extents;
      } else {
        extents.add(new AllocationExtent(at, next - at, zero, zero));
      }
      at = next;
    }
    return extents;
  }

  @Override
  public Path path() {
    return Path.of("/fake", name);
  }

  @Override
  public String identity() {
    return "fake-" + name;
  }

  @Override
  public int major() {
    return 0;
  }

  @Override
  public int minor() {
    return 1;
  }

  @Override
  public ChangeMap changes() {
    return changes;
  }

  @Override
  public Optional<UUID> snapshot() {
    return Optional.empty();
  }

  @Override
  public CbtInfo restartChanges() {
    throw new UnsupportedOperationException();
  }

  @Override
  public boolean rescan() {
    return false;
  }

  @Override
  public GateStatistics gate() {
    throw new UnsupportedOperationException();
  }

  @Override
  public DeviceCondition condition() {
    return DeviceCondition.OK;
  }

  @Override
  public String conditionDetail() {
    return "ok";
  }

  @Override
  public AttachRequest request() {
    return AttachRequest.of(path()).named(name);
  }
}

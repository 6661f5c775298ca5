// SPDX-License-Identifier: Apache-2.0
package org.blksnap.kernel.internal.memory;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.blksnap.api.block.AllocationExtent;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.block.Geometry;
import org.blksnap.spi.device.DeviceIdentity;
import org.blksnap.spi.device.RawDevice;
import org.blksnap.spi.device.Trace;

/** A disk or an image of a {@link MemoryKernel}, opened. */
final class MemoryRaw implements RawDevice {
  /** How it is read and written. */
  private interface Data {
    byte[] read(long offset, int length) throws BlksnapException;

    void write(long offset, byte[] bytes) throws BlksnapException;
  }

  private final MemoryKernel kernel;
  private final Path path;
  private final Geometry geometry;
  private final Data data;
  private volatile boolean closed;

  private MemoryRaw(MemoryKernel kernel, Path path, Geometry geometry, Data data) {
    this.kernel = kernel;
    this.path = path;
    this.geometry = geometry;
    this.data = data;
  }

  static MemoryRaw of(MemoryKernel kernel, MemoryDisk disk, boolean readOnly) {
    return new MemoryRaw(
        kernel,
        disk.path,
        disk.geometry().withReadOnly(readOnly),
        new Data() {
          @Override
          public byte[] read(long offset, int length) {
            return disk.read(offset, length);
          }

          @Override
          public void write(long offset, byte[] bytes) {
            disk.write(offset, bytes);
          }
        });
  }

  static MemoryRaw of(MemoryKernel kernel, MemoryImage image, Path node) {
    return new MemoryRaw(
        kernel,
        node,
        image.disk.geometry().withCapacity(image.capacity),
        new Data() {
          @Override
          public byte[] read(long offset, int length) throws BlksnapException {
            return image.read(offset, length);
          }

          @Override
          public void write(long offset, byte[] bytes) throws BlksnapException {
            image.write(offset, bytes);
          }
        });
  }

  private void open() throws BlksnapException {
    if (closed) {
      throw new BlksnapException(Errno.ESHUTDOWN, path + " is closed");
    }
  }

  @Override
  public Path path() {
    return path;
  }

  @Override
  public Geometry geometry() {
    return geometry;
  }

  @Override
  public DeviceIdentity identity() {
    return new DeviceIdentity(path.toString(), true, 0, 0);
  }

  @Override
  public boolean refresh() {
    return false;
  }

  @Override
  public String fingerprint() {
    return "";
  }

  @Override
  public Duration stampGranule() {
    return Duration.ZERO;
  }

  @Override
  public List<Trace> traces() {
    return List.of();
  }

  @Override
  public Optional<String> fingerprintOf(Map<Trace, String> readings) {
    return Optional.empty();
  }

  @Override
  public void read(ByteBuffer dst, long offset) throws IOException {
    open();
    synchronized (kernel) {
      dst.put(data.read(offset, dst.remaining()));
    }
  }

  @Override
  public void write(ByteBuffer src, long offset) throws IOException {
    open();
    byte[] bytes = new byte[src.remaining()];
    src.get(bytes);
    synchronized (kernel) {
      data.write(offset, bytes);
    }
  }

  @Override
  public void discard(long offset, long length) {}

  @Override
  public void writeZeroes(long offset, long length, boolean keepAllocated, boolean fastOnly)
      throws IOException {
    write(ByteBuffer.allocate((int) length), offset);
  }

  @Override
  public void flush() throws IOException {
    open();
  }

  @Override
  public void transferTo(long offset, long length, WritableByteChannel target) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate((int) length);
    read(bytes, offset);
    bytes.flip();
    while (bytes.hasRemaining()) {
      target.write(bytes);
    }
  }

  @Override
  public void prefetch(long offset, long length) {}

  @Override
  public List<AllocationExtent> allocation(long offset, long length, int limit) {
    return List.of(new AllocationExtent(offset, length, false, false));
  }

  @Override
  public boolean carries(Path directory) {
    return false;
  }

  @Override
  public Thaw freeze(Duration deadline) {
    throw new UnsupportedOperationException();
  }

  @Override
  public void close() {
    closed = true;
  }
}

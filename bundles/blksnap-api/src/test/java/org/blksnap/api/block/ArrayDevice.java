// SPDX-License-Identifier: Apache-2.0
package org.blksnap.api.block;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.util.List;

/** A device whose bytes are those of an array. */
class ArrayDevice implements BlockDevice {
  final byte[] bytes;

  ArrayDevice(int size) {
    bytes = new byte[size];
  }

  @Override
  public String name() {
    return "array";
  }

  @Override
  public Geometry geometry() {
    return new Geometry(bytes.length, 512, 512, 512, false, false);
  }

  private void check(long offset, long length, Errno error) throws BlksnapException {
    if (offset < 0 || length > bytes.length - offset) {
      throw new BlksnapException(error, "outside");
    }
  }

  @Override
  public void read(ByteBuffer dst, long offset) throws IOException {
    check(offset, dst.remaining(), Errno.EINVAL);
    dst.put(bytes, (int) offset, dst.remaining());
  }

  @Override
  public void write(ByteBuffer src, long offset, IoFlags flags) throws IOException {
    check(offset, src.remaining(), Errno.ENOSPC);
    src.get(bytes, (int) offset, src.remaining());
  }

  @Override
  public void discard(long offset, long length, IoFlags flags) {}

  @Override
  public void writeZeroes(long offset, long length, IoFlags flags) throws IOException {
    write(ByteBuffer.allocate((int) length), offset, flags);
  }

  @Override
  public void flush() {}

  @Override
  public void transferTo(long offset, long length, WritableByteChannel target) throws IOException {
    check(offset, length, Errno.EINVAL);
    target.write(ByteBuffer.wrap(bytes, (int) offset, (int) length));
  }

  @Override
  public List<AllocationExtent> allocation(long offset, long length, int limit) {
    return List.of(new AllocationExtent(offset, length, false, false));
  }
}

// SPDX-License-Identifier: Apache-2.0
package org.blksnap.diffstorage.internal;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;

/** Memory outside the heap. */
record MemoryPart(ByteBuffer bytes) implements Part {
  @Override
  public void read(long position, ByteBuffer dst) {
    int length = dst.remaining();
    dst.put(dst.position(), bytes, (int) position, length);
    dst.position(dst.position() + length);
  }

  @Override
  public void write(long position, ByteBuffer src) {
    int length = src.remaining();
    bytes.put((int) position, src, src.position(), length);
    src.position(src.position() + length);
  }

  @Override
  public void transferTo(long position, long length, WritableByteChannel target)
      throws IOException {
    ByteBuffer view = bytes.slice((int) position, (int) length);
    while (view.hasRemaining()) {
      target.write(view);
    }
  }
}

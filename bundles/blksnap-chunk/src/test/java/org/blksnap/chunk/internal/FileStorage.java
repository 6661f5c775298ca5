// SPDX-License-Identifier: Apache-2.0
package org.blksnap.chunk.internal;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** A storage in a sparse file; one opened again goes on behind the file's end. */
final class FileStorage extends FakeStorage {
  final FileChannel file;

  FileStorage(Path path) throws IOException {
    super(0);
    file =
        FileChannel.open(
            path, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
    filled.set((file.size() + (1 << 20) - 1) >> 20 << 20);
  }

  @Override
  public long allocate(int size) {
    return filled.getAndAdd(size);
  }

  @Override
  public void read(long address, ByteBuffer dst) {
    try {
      Zeroes.readFully(file, dst, address);
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  @Override
  public void write(long address, ByteBuffer src) throws IOException {
    Zeroes.writeFully(file, src, address);
  }

  @Override
  public void transferTo(long address, long length, WritableByteChannel target) throws IOException {
    for (long done = 0; done < length; ) {
      done += file.transferTo(address + done, length - done, target);
    }
  }

  @Override
  public void close() {
    try {
      file.close();
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
package org.blksnap.nbd.internal.export;

import java.io.EOFException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import org.blksnap.api.block.AllocationExtent;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.block.Geometry;
import org.blksnap.api.block.IoFlags;

/** A device that is a plain file, read and written as simply as can be. */
public class FileDevice extends FakeDevice {
  private static final int ZEROES = 1 << 20;

  private final Path path;
  private final FileChannel file;
  private final long size;

  public FileDevice(String name, Path path) throws IOException {
    super(name, 0);
    this.path = path;
    this.file = FileChannel.open(path, StandardOpenOption.READ, StandardOpenOption.WRITE);
    this.size = file.size();
  }

  @Override
  public Path path() {
    return path;
  }

  @Override
  public Geometry geometry() {
    return new Geometry(size, 512, 4096, 4096, false, false);
  }

  @Override
  public void read(ByteBuffer dst, long offset) throws IOException {
    long at = offset;
    while (dst.hasRemaining()) {
      int got = file.read(dst, at);
      if (got < 0) {
        throw new EOFException("end of " + path);
      }
      at += got;
    }
  }

  @Override
  public void write(ByteBuffer src, long offset, IoFlags flags) throws IOException {
    long at = offset;
    while (src.hasRemaining()) {
      at += file.write(src, at);
    }
    sync(flags);
  }

  private void sync(IoFlags flags) throws IOException {
    if (flags.has(IoFlags.FUA)) {
      file.force(false);
    }
  }

  @Override
  public void writeZeroes(long offset, long length, IoFlags flags) throws IOException {
    if (flags.has(IoFlags.FAST_ZERO)) {
      throw new BlksnapException(Errno.EOPNOTSUPP, "zeroes are written like data");
    }
    for (long done = 0; done < length; done += ZEROES) {
      int piece = (int) Math.min(ZEROES, length - done);
      write(ByteBuffer.allocateDirect(piece), offset + done);
    }
    sync(flags);
  }

  @Override
  public void flush() throws IOException {
    file.force(false);
  }

  @Override
  public void transferTo(long offset, long length, WritableByteChannel target) throws IOException {
    for (long done = 0; done < length; ) {
      done += file.transferTo(offset + done, length - done, target);
    }
  }

  @Override
  public List<AllocationExtent> allocation(long offset, long length, int limit) {
    return List.of(new AllocationExtent(offset, length, false, false));
  }

  /** It answers nothing any more. */
  void close() {
    try {
      file.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}

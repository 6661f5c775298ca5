// SPDX-License-Identifier: Apache-2.0
package org.blksnap.chunk.internal;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.spi.chunk.DiffArea.Run;
import org.blksnap.spi.chunk.LiveReader;
import org.blksnap.spi.storage.DiffStorage;

/**
 * The image's side of an area: refuses what is outside of it or comes too late, cuts ranges into
 * chunks, and leaves the rest to {@link ImageReader} and {@link ImageWrites}. Image readers read
 * the live device first and look at the bits afterwards; image writers set bits as a save does.
 *
 * <p>No state but that it was closed. Any thread.
 */
final class AreaImage {
  private final String device;
  private final ChunkGeometry geometry;
  private final ImageReader reader;
  private final ImageWrites writes;
  private final AreaState state;
  private final Corruption corruption;
  private volatile boolean closed;

  AreaImage(
      String device,
      ChunkGeometry geometry,
      SavedChunks saved,
      LiveReader live,
      DiffStorage storage,
      ImageWrites writes,
      AreaState state,
      Corruption corruption) {
    this.device = device;
    this.geometry = geometry;
    this.reader = new ImageReader(geometry, saved, live, storage, this::check);
    this.writes = writes;
    this.state = state;
    this.corruption = corruption;
  }

  /** Whatever is asked from now on is refused. */
  void close() {
    closed = true;
  }

  void read(ByteBuffer dst, long offset) throws IOException {
    check(offset, dst.remaining(), Errno.EINVAL);
    try {
      reader.read(dst, offset);
    } catch (InternalError e) {
      throw lost(e);
    }
  }

  void write(ByteBuffer src, long offset) throws IOException {
    check(offset, src.remaining(), Errno.ENOSPC);
    check();
    int limit = src.limit();
    long end = offset + src.remaining();
    try {
      for (long at = offset; at < end; ) {
        int chunk = geometry.chunkOf(at);
        int from = geometry.within(at);
        int to = geometry.upTo(chunk, end);
        writes.write(chunk, from, to, src);
        src.limit(limit);
        at += to - from;
      }
    } catch (InternalError e) {
      throw lost(e);
    } finally {
      src.limit(limit);
    }
    check();
  }

  void writeZeroes(long offset, long length) throws IOException {
    check(offset, length, Errno.ENOSPC);
    check();
    long end = offset + length;
    try {
      for (long at = offset; at < end; ) {
        int chunk = geometry.chunkOf(at);
        int from = geometry.within(at);
        int to = geometry.upTo(chunk, end);
        writes.writeZeroes(chunk, from, to);
        at += to - from;
      }
    } catch (InternalError e) {
      throw lost(e);
    }
    check();
  }

  void transferTo(long offset, long length, WritableByteChannel target) throws IOException {
    check(offset, length, Errno.EINVAL);
    try {
      reader.transferTo(offset, length, target);
    } catch (InternalError e) {
      throw lost(e);
    }
  }

  Run runAt(long offset, long limit) {
    long end = limit >= geometry.capacity() - offset ? geometry.capacity() : offset + limit;
    if (offset < 0 || offset >= end) {
      throw new IllegalArgumentException(
          "run of "
              + limit
              + " bytes at "
              + offset
              + " refused: it must begin inside the device of "
              + geometry.capacity()
              + " bytes and be at least 1 byte long");
    }
    if (state.gone()) {
      return new Run(end - offset, false);
    }
    while (true) {
      boolean first = reader.runLength(offset, offset + 1, true) > 0;
      long length = reader.runLength(offset, end, first);
      if (length > 0) {
        return new Run(length, first);
      }
    }
  }

  /** EIO once corrupted; ESTALE once the snapshot is destroyed. Looked at last in a read. */
  private void check() throws BlksnapException {
    corruption.check();
    if (state.gone()) {
      throw new BlksnapException(
          Errno.ESTALE, "image of " + device + " refused: its snapshot was destroyed");
    }
  }

  private void check(long offset, long length, Errno otherwise) throws BlksnapException {
    if (offset < 0 || length < 0 || offset > geometry.capacity() - length) {
      throw new BlksnapException(
          otherwise,
          length
              + " bytes at "
              + offset
              + " of the image of "
              + device
              + " refused: it has "
              + geometry.capacity()
              + " bytes");
    }
    if (state.gone() || closed) {
      throw new BlksnapException(
          state.gone() ? Errno.ESTALE : Errno.ESHUTDOWN,
          "image of "
              + device
              + " refused: "
              + (state.gone() ? "its snapshot was destroyed" : "its diff area is closed"));
    }
  }

  private BlksnapException lost(InternalError e) {
    corruption.corrupt("mapped memory is lost", e);
    return new BlksnapException(
        Errno.EIO, "image of " + device + " refused: " + corruption.detail(), e);
  }
}

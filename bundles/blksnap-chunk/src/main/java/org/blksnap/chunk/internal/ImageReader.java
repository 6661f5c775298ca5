// SPDX-License-Identifier: Apache-2.0
package org.blksnap.chunk.internal;

import java.io.IOException;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.spi.chunk.LiveReader;
import org.blksnap.spi.storage.DiffStorage;

/**
 * Reads the image without keeping live writers out.
 *
 * <p>New pages are read from the live device, as many at once as there are; then their bits are
 * looked at again. A live write goes down only after the bit is set, so a bit still clear means
 * that what was read is the old content; a bit now set, that the page is read again from where it
 * was saved. An area that is corrupted or gone lets writes through with bits clear, so that is
 * looked at last, and then nothing of the answer counts.
 */
final class ImageReader {
  /** Bytes that pass a buffer at a time, where the storage can not hand them over itself. */
  static final int PIECE = 256 << 10;

  /** Stored runs of fewer bytes are put together in a buffer instead of being sent one by one. */
  static final int TRANSFER_FROM = 64 << 10;

  /** Buffers kept for reuse. */
  static final int BUFFERS_KEPT = 16;

  private final ChunkGeometry geometry;
  private final SavedChunks saved;
  private final LiveReader live;
  private final DiffStorage storage;
  private final Check check;
  private final AtomicReferenceArray<ByteBuffer> buffers = new AtomicReferenceArray<>(BUFFERS_KEPT);

  /** Fails where the image can not be read: it is corrupted, or gone. */
  interface Check {
    void passes() throws BlksnapException;
  }

  ImageReader(
      ChunkGeometry geometry,
      SavedChunks saved,
      LiveReader live,
      DiffStorage storage,
      Check check) {
    this.geometry = geometry;
    this.saved = saved;
    this.live = live;
    this.storage = storage;
    this.check = check;
  }

  void read(ByteBuffer dst, long offset) throws IOException {
    check.passes();
    int limit = dst.limit();
    long end = offset + dst.remaining();
    long at = offset;
    try {
      while (at < end) {
        long run = runLength(at, end, false);
        if (run > 0) {
          readNew(dst, at, (int) run);
        } else {
          run = readSaved(dst, at, end);
        }
        at += run;
        dst.limit(limit);
      }
    } finally {
      dst.limit(limit);
    }
    check.passes();
  }

  void transferTo(long offset, long length, WritableByteChannel target) throws IOException {
    long end = offset + length;
    ByteBuffer buffer = null;
    try {
      for (long at = offset; at < end; ) {
        check.passes();
        long run = storedRun(at, end);
        if (run >= TRANSFER_FROM) {
          storage.transferTo(addressOf(at), run, target);
        } else {
          buffer = buffer == null ? takeBuffer() : buffer;
          run = Math.min(PIECE, end - at);
          buffer.clear().limit((int) run);
          read(buffer, at);
          buffer.flip();
          while (buffer.hasRemaining()) {
            target.write(buffer);
          }
        }
        at += run;
      }
    } finally {
      giveBack(buffer);
    }
  }

  /**
   * Bytes from {@code offset} on, at most to {@code end}, whose pages are all saved, or all new.
   */
  long runLength(long offset, long end, boolean wantSaved) {
    long at = offset;
    while (at < end) {
      int chunk = geometry.chunkOf(at);
      int from = geometry.within(at);
      int to = geometry.upTo(chunk, end);
      long which = saved.saved(chunk);
      long others = geometry.pages(from, to) & (wantSaved ? ~which : which);
      if (others != 0) {
        long stop = geometry.start(chunk) + geometry.runStart(others);
        return Math.max(stop, at) - offset;
      }
      at += to - from;
    }
    return end - offset;
  }

  private void readNew(ByteBuffer dst, long offset, int length) throws IOException {
    int base = dst.position();
    dst.limit(base + length);
    live.read(dst, offset);
    VarHandle.fullFence();
    long end = offset + length;
    for (long at = offset; at < end; ) {
      long clean = runLength(at, end, false);
      at += clean;
      if (at < end) {
        int position = base + (int) (at - offset);
        dst.limit(base + length).position(position);
        at += readSaved(dst, at, Math.min(end, at + runLength(at, end, true)));
      }
    }
    dst.limit(base + length).position(base + length);
  }

  /** Reads saved bytes; their number, 0 where an image write has just moved them. */
  private long readSaved(ByteBuffer dst, long offset, long end) throws IOException {
    int chunk = geometry.chunkOf(offset);
    int from = geometry.within(offset);
    int to = geometry.upTo(chunk, end);
    int copied = saved.copyFromMemory(chunk, from, to, dst);
    if (copied > 0) {
      return copied;
    }
    long run = storedRun(offset, end);
    if (run > 0) {
      dst.limit(dst.position() + (int) run);
      storage.read(saved.address(chunk) + from, dst);
    }
    return run;
  }

  /** Bytes from the offset on that are stored one behind the other; may pass chunk borders. */
  private long storedRun(long offset, long end) {
    long at = offset;
    while (at < end) {
      int chunk = geometry.chunkOf(at);
      int from = geometry.within(at);
      int to = geometry.upTo(chunk, end);
      if (at > offset && addressOf(at) != addressOf(offset) + (at - offset)) {
        break;
      }
      int stored = saved.storedBytes(chunk, from, to);
      at += stored;
      if (stored < to - from) {
        break;
      }
    }
    return at - offset;
  }

  private long addressOf(long offset) {
    return saved.address(geometry.chunkOf(offset)) + geometry.within(offset);
  }

  private ByteBuffer takeBuffer() {
    for (int i = 0; i < BUFFERS_KEPT; i++) {
      ByteBuffer kept = buffers.getAndSet(i, null);
      if (kept != null) {
        return kept;
      }
    }
    return ByteBuffer.allocateDirect(PIECE);
  }

  private void giveBack(ByteBuffer buffer) {
    for (int i = 0; buffer != null && i < BUFFERS_KEPT; i++) {
      if (buffers.compareAndSet(i, null, buffer)) {
        return;
      }
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
package org.blksnap.chunk.internal;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.util.concurrent.locks.LockSupport;

/** Zeroes to write from, shared by all, and whole transfers between a buffer and a file. */
final class Zeroes {
  /** Bytes in one piece. */
  static final int PIECE = 1 << 20;

  /** Bytes filled at a time; for so long one processor is kept from its other work. */
  static final int FILL_PIECE = 256 << 10;

  /** Pause between two of them; about as long as one takes. */
  static final long FILL_PAUSE_NANOS = 20_000;

  private static final ByteBuffer ZEROES = ByteBuffer.allocateDirect(PIECE).asReadOnlyBuffer();

  private Zeroes() {}

  /** A view of at most a piece of zeroes. */
  static ByteBuffer of(long length) {
    ByteBuffer view = ZEROES.duplicate();
    return view.limit((int) Math.min(length, PIECE));
  }

  /**
   * True where the buffer's bytes {@code [from, to)} are all zero; its position does not change.
   */
  static boolean only(ByteBuffer buffer, int from, int to) {
    if (to - from >= Long.BYTES
        && (buffer.getLong(from) != 0 || buffer.getLong(to - Long.BYTES) != 0)) {
      return false;
    }
    for (int at = from; at < to; at += PIECE) {
      int length = Math.min(PIECE, to - at);
      if (buffer.slice(at, length).mismatch(of(length)) >= 0) {
        return false;
      }
    }
    return true;
  }

  /**
   * Makes {@code [from, to)} of the file allocated zeroes, piece by piece with a pause after each:
   * nobody waits for it but a take or a store thread, and where processors are few, a live write
   * that needs one gets it within a piece, not when the scheduler ends a long turn.
   */
  static void fill(FileChannel file, long from, long to) throws IOException {
    for (long at = from; at < to; at += FILL_PIECE) {
      writeFully(file, of(Math.min(FILL_PIECE, to - at)), at);
      if (to - at > FILL_PIECE) {
        LockSupport.parkNanos(FILL_PAUSE_NANOS);
      }
    }
  }

  static void writeFully(FileChannel file, ByteBuffer from, long position) throws IOException {
    long at = position;
    while (from.hasRemaining()) {
      at += file.write(from, at);
    }
  }

  static void readFully(FileChannel file, ByteBuffer into, long position) throws IOException {
    long at = position;
    while (into.hasRemaining()) {
      int count = file.read(into, at);
      if (count < 0) {
        throw new EOFException("end of file at byte " + at);
      }
      at += count;
    }
  }
}

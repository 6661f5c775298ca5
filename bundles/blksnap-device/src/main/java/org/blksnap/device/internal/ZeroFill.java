// SPDX-License-Identifier: Apache-2.0
package org.blksnap.device.internal;

import java.io.IOException;
import java.nio.ByteBuffer;
import org.blksnap.linux.file.EnduringFile;

/** Writes zeroes where nothing better is to be had. */
final class ZeroFill {
  /** Bytes written at a time. */
  static final int PIECE = 256 << 10;

  /** Shared by all; read-only, and only ever duplicated. */
  private static final ByteBuffer ZEROES = ByteBuffer.allocateDirect(PIECE).asReadOnlyBuffer();

  private ZeroFill() {}

  static void write(EnduringFile file, long offset, long length) throws IOException {
    ByteBuffer zeroes = ZEROES.duplicate();
    long at = offset;
    long end = offset + length;
    while (at < end) {
      zeroes.clear().limit((int) Math.min(PIECE, end - at));
      int piece = zeroes.remaining();
      file.write(zeroes, at);
      at += piece;
    }
  }
}

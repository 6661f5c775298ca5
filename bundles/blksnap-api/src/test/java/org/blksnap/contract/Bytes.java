// SPDX-License-Identifier: Apache-2.0
package org.blksnap.contract;

import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.util.Arrays;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.junit.jupiter.api.function.Executable;

/** Contents, and the errno of a refusal. */
final class Bytes {
  private Bytes() {}

  static ByteBuffer pattern(int length, int seed) {
    ByteBuffer bytes = ByteBuffer.allocateDirect(length);
    for (int i = 0; i < length; i++) {
      bytes.put(i, (byte) (i * 31 + seed));
    }
    return bytes;
  }

  static byte[] filled(int length, int value) {
    byte[] bytes = new byte[length];
    Arrays.fill(bytes, (byte) value);
    return bytes;
  }

  static Errno errno(Executable call) {
    return BlksnapException.errnoOf(assertThrows(IOException.class, call));
  }

  /** Takes a few bytes at a time, as a slow socket does. */
  static final class Sink implements WritableByteChannel {
    private static final int AT_A_TIME = 1000;

    private byte[] bytes = new byte[0];

    byte[] taken() {
      return bytes;
    }

    @Override
    public int write(ByteBuffer src) {
      int length = Math.min(AT_A_TIME, src.remaining());
      int at = bytes.length;
      bytes = Arrays.copyOf(bytes, at + length);
      src.get(bytes, at, length);
      return length;
    }

    @Override
    public boolean isOpen() {
      return true;
    }

    @Override
    public void close() {}
  }
}

// SPDX-License-Identifier: Apache-2.0
package org.blksnap.chunk.internal;

import java.io.IOException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;

/**
 * An array of little-endian longs in a mapped part of a file. What is stored here survives the
 * death of the process. Reads acquire, writes release; who may write an element is up to the owner
 * of the array.
 */
final class MappedLongs {
  /** A mapping is at most this many longs: 1 GiB. */
  private static final int SEGMENT_SHIFT = 27;

  private static final int SEGMENT_MASK = (1 << SEGMENT_SHIFT) - 1;

  private static final VarHandle LONG =
      MethodHandles.byteBufferViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

  private final ByteBuffer[] segments;

  /** Maps {@code count} longs from {@code position} on, a multiple of eight. */
  MappedLongs(FileChannel file, long position, int count) throws IOException {
    segments = new ByteBuffer[(int) (((long) count + SEGMENT_MASK) >>> SEGMENT_SHIFT)];
    for (int i = 0; i < segments.length; i++) {
      long first = (long) i << SEGMENT_SHIFT;
      long longs = Math.min(count - first, 1L << SEGMENT_SHIFT);
      segments[i] =
          file.map(
              FileChannel.MapMode.READ_WRITE, position + first * Long.BYTES, longs * Long.BYTES);
    }
  }

  long get(int index) {
    return (long) LONG.getAcquire(segments[index >>> SEGMENT_SHIFT], (index & SEGMENT_MASK) << 3);
  }

  void set(int index, long value) {
    LONG.setRelease(segments[index >>> SEGMENT_SHIFT], (index & SEGMENT_MASK) << 3, value);
  }
}

// SPDX-License-Identifier: Apache-2.0
package org.blksnap.kernel.internal.memory;

import java.util.Arrays;
import java.util.UUID;
import org.blksnap.spi.module.TrackerState;

/** The change map of one device, by the rules of the interface (reference, section 4). */
final class MemoryMap {
  static final int BLOCK = 65536;
  private static final int WRAP = 256;

  private long capacity;
  private byte[] writeMap;
  private byte[] readMap;
  private int active;
  private int previous;
  private UUID generation;

  MemoryMap(long capacity) {
    begin(capacity);
  }

  private void begin(long newCapacity) {
    capacity = newCapacity;
    writeMap = new byte[(int) ((capacity + BLOCK - 1) / BLOCK)];
    readMap = writeMap.clone();
    active = 1;
    previous = 0;
    generation = UUID.randomUUID();
  }

  void mark(long offset, long length) {
    raise(writeMap, offset, length, active);
  }

  void markBoth(long offset, long length) {
    raise(writeMap, offset, length, active);
    raise(readMap, offset, length, active);
  }

  private static void raise(byte[] map, long offset, long length, int number) {
    for (long b = offset / BLOCK; length > 0 && b <= (offset + length - 1) / BLOCK; b++) {
      if (Byte.toUnsignedInt(map[(int) b]) < number) {
        map[(int) b] = (byte) number;
      }
    }
  }

  void take(long presentCapacity) {
    if (presentCapacity != capacity || active + 1 == WRAP) {
      begin(presentCapacity);
      return;
    }
    previous = active;
    active++;
    readMap = writeMap.clone();
  }

  TrackerState state() {
    return new TrackerState(capacity, BLOCK, readMap.length, generation, previous);
  }

  byte[] readable() {
    return Arrays.copyOf(readMap, readMap.length);
  }
}

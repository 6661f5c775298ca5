// SPDX-License-Identifier: Apache-2.0
package org.blksnap.nbd.internal.export;

import java.util.BitSet;

/**
 * A selected metadata context.
 *
 * <p>Either {@code base:allocation}, asked from the device each time, or a set of changed blocks,
 * fixed when it was selected: one bit a tracking block, however the changes lie.
 *
 * @param id number the client names it by
 * @param name its full name
 * @param blockSize bytes of one tracking block; 0 for {@code base:allocation}
 * @param changed bits of changed blocks, not altered any more; null for {@code base:allocation}
 */
public record MetaContext(int id, String name, int blockSize, BitSet changed) {
  public static MetaContext allocation(int id, String name) {
    return new MetaContext(id, name, 0, null);
  }

  public boolean allocation() {
    return changed == null;
  }

  /** Bytes it takes in memory: its bits, in whole words. */
  public long bytes() {
    return allocation() ? 0 : changed.size() / Byte.SIZE;
  }

  /** Bytes the bits of a map of this many blocks take. */
  static long bytes(int blocks) {
    return ((long) blocks + Long.SIZE - 1) / Long.SIZE * Long.BYTES;
  }

  /** The block this byte lies in is changed. */
  public boolean dirty(long offset) {
    return changed.get(block(offset));
  }

  /** Where the blocks that are like the one of this byte end. */
  public long runEnd(long offset) {
    int block = block(offset);
    int next = changed.get(block) ? changed.nextClearBit(block) : changed.nextSetBit(block);
    return next < 0 ? Long.MAX_VALUE : (long) next * blockSize;
  }

  private int block(long offset) {
    return (int) Math.min(offset / blockSize, Integer.MAX_VALUE);
  }
}

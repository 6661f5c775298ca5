// SPDX-License-Identifier: Apache-2.0
package org.blksnap.testkit;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import org.blksnap.api.block.ByteRange;

/**
 * Change tracking of one device as the reference tells it (section 4): two arrays and two numbers.
 */
public final class ChangeMapModel {
  /** One more than the last number a map byte can hold. */
  static final int WRAP = 256;

  private final long capacity;
  private final int blockSize;
  private final int[] write;
  private final int[] read;

  /** Blocks of which only the next take shows whether they were marked since the last one. */
  private final BitSet unsure = new BitSet();

  /** Blocks of the readable map that were unsure at the take; their other value is its number. */
  private final BitSet either = new BitSet();

  private int active = 1;
  private int previous;
  private int generation;

  /** {@code generation} tells this map's generation from those before it. */
  ChangeMapModel(long capacity, int blockSize, int generation) {
    this.capacity = capacity;
    this.blockSize = blockSize;
    this.generation = generation;
    int blocks = (int) ((capacity + blockSize - 1) / blockSize);
    write = new int[blocks];
    read = new int[blocks];
  }

  /** A write. */
  public void mark(long offset, long length) {
    raise(write, active, offset, length);
  }

  /**
   * A write to an image, or a range marked by the user: changed since the last take, and for the
   * readable map, whose present is that take, changed at it.
   */
  public void markBoth(long offset, long length) {
    raise(write, active, offset, length);
    raise(read, previous, offset, length);
  }

  /**
   * A write to an image that failed: it marked all of the range in both maps, or nothing. {@code
   * real} is the readable map after it. Where each block of the range was changed at the last take
   * already, the readable map looks the same in both cases; then the next take will tell.
   */
  public void markBothOrNot(long offset, long length, byte[] real) {
    if (!Arrays.equals(bytes(), real)) {
      markBoth(offset, length);
      return;
    }
    BitSet blocks = new BitSet();
    for (long at = offset; at < offset + length && at < capacity; at += step(at)) {
      blocks.set((int) (at / blockSize));
    }
    if (blocks.stream().allMatch(block -> read[block] == previous)) {
      unsure.or(blocks);
    }
  }

  /** Learns from the readable map what it could not know: one of two values is right. */
  void learn(byte[] real) {
    for (int block = either.nextSetBit(0); block >= 0; block = either.nextSetBit(block + 1)) {
      if (block < real.length && Byte.toUnsignedInt(real[block]) == previous) {
        read[block] = previous;
        write[block] = Math.max(write[block], previous);
      }
    }
    either.clear();
  }

  private void raise(int[] map, int number, long offset, long length) {
    for (long at = offset; at < offset + length && at < capacity; at += step(at)) {
      int block = (int) (at / blockSize);
      map[block] = Math.max(map[block], number);
    }
  }

  private long step(long at) {
    return blockSize - at % blockSize;
  }

  /** A take. */
  public void take() {
    either.clear();
    either.or(unsure);
    unsure.clear();
    if (active + 1 == WRAP) {
      either.clear();
      Arrays.fill(write, 0);
      Arrays.fill(read, 0);
      active = 1;
      previous = 0;
      generation++;
      return;
    }
    previous = active;
    active++;
    System.arraycopy(write, 0, read, 0, read.length);
  }

  public int blockSize() {
    return blockSize;
  }

  public int blockCount() {
    return read.length;
  }

  public int changesNumber() {
    return previous;
  }

  public int generation() {
    return generation;
  }

  /** The readable map. */
  public byte[] bytes() {
    byte[] bytes = new byte[read.length];
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = (byte) read[i];
    }
    return bytes;
  }

  /** What a consumer that knows this generation up to {@code number} has to read. */
  public List<ByteRange> changedSince(int number) {
    List<ByteRange> extents = new ArrayList<>();
    int block = 0;
    while (block < read.length) {
      int begin = block;
      while (block < read.length && read[block] > number) {
        block++;
      }
      if (block > begin) {
        long from = (long) begin * blockSize;
        extents.add(new ByteRange(from, Math.min((long) block * blockSize, capacity) - from));
      }
      block++;
    }
    return extents;
  }
}

// SPDX-License-Identifier: Apache-2.0
package org.blksnap.tracker.internal;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.MappedByteBuffer;

/**
 * The write map and the read map of one generation, in mapped memory.
 *
 * <p>Numbers: {@code previous} is {@code active - 1}, both fixed while any mark runs (a take holds
 * the gate). In such an epoch
 *
 * <ul>
 *   <li>a byte W of the write map changes once, from what it was at the take to active;
 *   <li>its byte R in the read map is made right before that, W's store being the release: a reader
 *       who sees W at active finds in R the value as of the take, or previous where the block was
 *       marked in both maps;
 *   <li>R, left over from older epochs, is below previous, and only {@link #mark} saving W =
 *       previous or {@link #markBoth} make it previous. It is never lowered from there: so R ==
 *       previous means that there is nothing left to save, and no raise can be lost.
 * </ul>
 *
 * A mark reads R, then W, then swaps R from what it read to W in one compare-and-set. Whoever
 * raised R in between makes that fail, and the mark looks again. Marks of neighbours share the
 * 8-byte word that is swapped; they make each other look again, no more.
 *
 * <p>No locks, nothing allocated. Long ranges go by words of eight blocks.
 */
final class MarkTable {
  /** Blocks of one mapping. */
  static final int SEGMENT_SHIFT = 30;

  private static final int SEGMENT_MASK = (1 << SEGMENT_SHIFT) - 1;
  private static final int WORD_BLOCKS = Long.BYTES;
  private static final long EACH_BYTE = 0x0101010101010101L;
  private static final VarHandle WORD =
      MethodHandles.byteBufferViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

  private final MappedByteBuffer[] write;
  private final MappedByteBuffer[] read;

  MarkTable(MappedByteBuffer[] write, MappedByteBuffer[] read) {
    this.write = write;
    this.read = read;
  }

  /** Marks one block in the write map. */
  void mark(long block, int active) {
    MappedByteBuffer w = write[(int) (block >>> SEGMENT_SHIFT)];
    int at = (int) block & SEGMENT_MASK;
    if (Byte.toUnsignedInt(w.get(at)) < active) {
      first(w, read[(int) (block >>> SEGMENT_SHIFT)], at, active);
    }
  }

  private static void first(ByteBuffer w, ByteBuffer r, int at, int active) {
    int base = at & -WORD_BLOCKS;
    int bit = (at - base) << 3;
    while (true) {
      long word = (long) WORD.getAcquire(r, base);
      int value = Byte.toUnsignedInt(w.get(at));
      if (value >= active) {
        return;
      }
      int saved = (int) (word >>> bit) & 0xff;
      if (saved == active - 1
          || saved == value
          || WORD.compareAndSet(r, base, word, word ^ ((long) (saved ^ value) << bit))) {
        break;
      }
    }
    VarHandle.releaseFence();
    w.put(at, (byte) active);
  }

  /** Marks the blocks {@code [from, to)} in the write map. */
  void mark(long from, long to, int active) {
    long block = from;
    long all = EACH_BYTE * active;
    while (block < to) {
      if (to - block >= WORD_BLOCKS && (block & (WORD_BLOCKS - 1)) == 0) {
        markWord(block, active, all);
        block += WORD_BLOCKS;
      } else {
        mark(block, active);
        block++;
      }
    }
  }

  private void markWord(long block, int active, long all) {
    MappedByteBuffer w = write[(int) (block >>> SEGMENT_SHIFT)];
    MappedByteBuffer r = read[(int) (block >>> SEGMENT_SHIFT)];
    int at = (int) block & SEGMENT_MASK;
    long values;
    long saved;
    long save;
    do {
      saved = (long) WORD.getAcquire(r, at);
      values = (long) WORD.getAcquire(w, at);
      if (values == all) {
        return;
      }
      save = saving(saved, values, active);
    } while (save != saved && !WORD.compareAndSet(r, at, saved, save));
    WORD.setRelease(w, at, raised(values, active));
  }

  private static long saving(long saved, long values, int active) {
    if (saved == values) {
      return saved;
    }
    long save = saved;
    for (int bit = 0; bit < Long.SIZE; bit += Byte.SIZE) {
      int value = (int) (values >>> bit) & 0xff;
      int old = (int) (saved >>> bit) & 0xff;
      if (value < active && old != active - 1) {
        save ^= (long) (old ^ value) << bit;
      }
    }
    return save;
  }

  private static long raised(long values, int active) {
    long all = EACH_BYTE * active;
    if (values == 0) {
      return all;
    }
    long result = values;
    for (int bit = 0; bit < Long.SIZE; bit += Byte.SIZE) {
      int value = (int) (values >>> bit) & 0xff;
      if (value < active) {
        result ^= (long) (value ^ active) << bit;
      }
    }
    return result;
  }

  /** Marks the blocks {@code [from, to)} in both maps. */
  void markBoth(long from, long to, int active) {
    raise(from, to, active);
    mark(from, to, active);
  }

  /** The first half of {@link #markBoth}: the read map's bytes become previous. */
  void raise(long from, long to, int active) {
    long all = EACH_BYTE * (active - 1);
    for (long word = from & -WORD_BLOCKS; word < to; word += WORD_BLOCKS) {
      ByteBuffer r = read[(int) (word >>> SEGMENT_SHIFT)];
      int at = (int) word & SEGMENT_MASK;
      long mask = mask(word, from, to);
      long saved;
      long save;
      do {
        saved = (long) WORD.getAcquire(r, at);
        save = (saved & ~mask) | (all & mask);
      } while (save != saved && !WORD.compareAndSet(r, at, saved, save));
    }
  }

  /** The first half of {@link #mark}: the read map's bytes of what is not marked yet. */
  void save(long from, long to, int active) {
    for (long word = from & -WORD_BLOCKS; word < to; word += WORD_BLOCKS) {
      int segment = (int) (word >>> SEGMENT_SHIFT);
      int at = (int) word & SEGMENT_MASK;
      long mask = mask(word, from, to);
      long saved;
      long save;
      do {
        saved = (long) WORD.getAcquire(read[segment], at);
        long values = (long) WORD.getAcquire(write[segment], at);
        save = (saved & ~mask) | (saving(saved, values, active) & mask);
      } while (save != saved && !WORD.compareAndSet(read[segment], at, saved, save));
    }
  }

  private static long mask(long word, long from, long to) {
    long mask = from > word ? -1L << ((from - word) << 3) : -1L;
    return to - word < WORD_BLOCKS ? mask & ((1L << ((to - word) << 3)) - 1) : mask;
  }

  /** The byte of the readable map. */
  int value(long block, int previous) {
    int value = writeValue(block);
    if (value <= previous) {
      return value;
    }
    VarHandle.loadLoadFence();
    return Byte.toUnsignedInt(
        read[(int) (block >>> SEGMENT_SHIFT)].get((int) block & SEGMENT_MASK));
  }

  /** The byte of the write map. */
  int writeValue(long block) {
    return Byte.toUnsignedInt(
        write[(int) (block >>> SEGMENT_SHIFT)].get((int) block & SEGMENT_MASK));
  }

  /** True where none of the eight blocks from here on (a multiple of eight) was ever marked. */
  boolean untouched(long block) {
    return write[(int) (block >>> SEGMENT_SHIFT)].getLong((int) block & SEGMENT_MASK) == 0;
  }

  /** Forces the write map's bytes {@code [from, to)} to disk. Throws UncheckedIOException. */
  void forceWrite(long from, long to) {
    force(write, from, to);
  }

  /** Forces the read map's bytes {@code [from, to)} to disk. Throws UncheckedIOException. */
  void forceRead(long from, long to) {
    force(read, from, to);
  }

  private static void force(MappedByteBuffer[] map, long from, long to) {
    long block = from;
    while (block < to) {
      long end = Math.min(to, ((block >>> SEGMENT_SHIFT) + 1) << SEGMENT_SHIFT);
      map[(int) (block >>> SEGMENT_SHIFT)].force((int) block & SEGMENT_MASK, (int) (end - block));
      block = end;
    }
  }
}

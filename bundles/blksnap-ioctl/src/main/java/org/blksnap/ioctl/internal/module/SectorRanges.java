// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.module;

import java.nio.ByteBuffer;
import java.util.List;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.ByteRange;
import org.blksnap.api.block.Errno;
import org.blksnap.ioctl.internal.layout.Seed;

/** Ranges of bytes on their way to arrays of sectors, in slices of a bounded size. */
final class SectorRanges {
  /** Most ranges of one call: 1 MiB of memory, and a sixteenth of what the module takes. */
  static final int SLICE = 65_536;

  /** One call with so many ranges. */
  interface Call {
    void make(Memory sectors, int count) throws BlksnapException;
  }

  private SectorRanges() {}

  /** EINVAL where an edge is none of a sector, or a range is empty; before the first call. */
  static void check(String call, List<ByteRange> ranges) throws BlksnapException {
    for (ByteRange range : ranges) {
      if (range.offset() % ByteRange.SECTOR != 0
          || range.length() % ByteRange.SECTOR != 0
          || range.length() == 0) {
        throw new BlksnapException(
            Errno.EINVAL,
            call
                + " refused: range offset "
                + range.offset()
                + " length "
                + range.length()
                + "; both are multiples of 512 bytes, and the length is not 0");
      }
    }
  }

  /** In their order. A call that fails ends it; the message tells what was done before. */
  static void inSlices(String call, ModuleCalls calls, List<ByteRange> ranges, Call each)
      throws BlksnapException {
    for (int from = 0; from < ranges.size(); from += SLICE) {
      List<ByteRange> slice = ranges.subList(from, Math.min(ranges.size(), from + SLICE));
      try {
        Memory sectors = array(calls, slice);
        each.make(sectors, slice.size());
        sectors.used();
      } catch (BlksnapException failure) {
        if (from == 0) {
          throw failure;
        }
        throw new BlksnapException(
            failure.errno(),
            failure.getMessage()
                + "; the first "
                + from
                + " of "
                + ranges.size()
                + " ranges were taken by earlier calls of "
                + call
                + " and stay",
            failure);
      }
    }
  }

  private static Memory array(ModuleCalls calls, List<ByteRange> ranges) {
    int size = Seed.SECTORS.size();
    Memory memory = Memory.of(calls, Math.multiplyExact(ranges.size(), size));
    ByteBuffer bytes = memory.bytes();
    int at = 0;
    for (ByteRange range : ranges) {
      bytes.putLong(at + Seed.SECTORS_OFFSET.offset(), range.offset() / ByteRange.SECTOR);
      bytes.putLong(at + Seed.SECTORS_COUNT.offset(), range.length() / ByteRange.SECTOR);
      at += size;
    }
    return memory;
  }
}

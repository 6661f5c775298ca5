// SPDX-License-Identifier: Apache-2.0
package org.blksnap.tracker.internal;

import java.util.List;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.ByteRange;
import org.blksnap.api.block.Errno;
import org.blksnap.api.change.CbtInfo;

/**
 * All a mark or a query needs, from one take to the next. Immutable but for the bytes and bits
 * behind it; replaced as a whole, so that it is read once and is of one piece.
 *
 * @param capacity bytes; -1 where nothing may be marked any more
 * @param durable null unless marks are forced to disk
 */
record Epoch(
    MapFile file,
    MarkTable table,
    long capacity,
    int shift,
    int active,
    DurableBits durable,
    CbtInfo info) {

  static Epoch of(MapFile file, DurableBits durable) {
    MapHeader header = file.header();
    return new Epoch(
        file,
        file.table(),
        header.capacity(),
        header.shift(),
        header.active(),
        durable,
        header.info());
  }

  Epoch closed() {
    return new Epoch(file, table, -1, shift, active, durable, info);
  }

  int previous() {
    return active - 1;
  }

  long firstBlock(long offset) {
    return offset >>> shift;
  }

  /** First block behind a range that is not empty. */
  long endBlock(long offset, long length) {
    return ((offset + length - 1) >>> shift) + 1;
  }

  boolean contains(long offset, long length) {
    return offset >= 0 && length >= 0 && length <= capacity - offset;
  }

  /** EINVAL where one of the ranges is outside; for what is to be marked. */
  void requireInside(List<ByteRange> ranges, String device) throws BlksnapException {
    for (ByteRange range : ranges) {
      if (!contains(range.offset(), range.length())) {
        throw new BlksnapException(
            Errno.EINVAL,
            "range "
                + range
                + " refused: it must lie within the "
                + capacity
                + " bytes of "
                + device
                + "; nothing was marked");
      }
    }
  }
}

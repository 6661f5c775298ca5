// SPDX-License-Identifier: Apache-2.0
package org.blksnap.api.change;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.ByteRange;
import org.blksnap.api.block.Errno;

/**
 * Ranges out of a map's bytes, read {@link #PIECE} of them at a time. After each piece the map is
 * asked whether it is still the one that was begun with: what a later take left in it says nothing
 * of this one.
 */
final class MapWalk {
  /** Map bytes read at a time. */
  private static final int PIECE = 64 << 10;

  private final CbtInfo info;
  private final int limit;
  private final long offset;
  private final List<ByteRange> found = new ArrayList<>();

  /** First byte of the range that is being gathered, or -1. */
  private long begun = -1;

  private MapWalk(CbtInfo info, long offset, int limit) {
    this.info = info;
    this.offset = offset;
    this.limit = limit;
  }

  static List<ByteRange> extents(MapBytes map, CbtInfo info, int number, long offset, int limit)
      throws IOException {
    MapWalk walk = new MapWalk(info, offset, limit);
    ByteBuffer piece = ByteBuffer.allocate((int) Math.min(PIECE, info.blockCount()));
    int block = (int) (offset / info.blockSize());
    while (block < info.blockCount() && !walk.full()) {
      piece.clear();
      int length = map.read(block, piece);
      if (!map.info().point().equals(info.point()) || length <= 0) {
        throw new BlksnapException(
            Errno.ESTALE,
            "the change map has gone on from "
                + info.point()
                + " to "
                + map.info().point()
                + " while it was read; ask for the changes again");
      }
      piece.flip();
      walk.look(piece, block, number);
      block += length;
    }
    walk.end(info.deviceCapacity());
    return walk.found;
  }

  private boolean full() {
    return found.size() >= limit;
  }

  private void look(ByteBuffer piece, int firstBlock, int number) {
    for (int i = 0; i < piece.limit() && !full(); i++) {
      boolean changed = (piece.get(i) & 0xff) > number;
      if (changed == (begun < 0)) {
        long at = Math.max(offset, (long) (firstBlock + i) * info.blockSize());
        if (changed) {
          begun = at;
        } else {
          end(at);
        }
      }
    }
  }

  private void end(long at) {
    if (begun >= 0 && !full()) {
      found.add(new ByteRange(begun, Math.min(at, info.deviceCapacity()) - begun));
    }
    begun = -1;
  }
}

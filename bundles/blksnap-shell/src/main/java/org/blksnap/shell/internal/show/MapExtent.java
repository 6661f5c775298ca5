// SPDX-License-Identifier: Apache-2.0
package org.blksnap.shell.internal.show;

import java.util.ArrayList;
import java.util.List;
import org.blksnap.api.block.ByteRange;

/** One stretch of a change map in the words of {@code qemu:dirty-bitmap}. */
public record MapExtent(long offset, long length, boolean dirty) {
  /** 1 for dirty, as in the block status reply. */
  public int type() {
    return dirty ? 1 : 0;
  }

  public String description() {
    return dirty ? "dirty" : "clean";
  }

  /** The ranges and what lies between them, from 0 to the capacity. */
  public static List<MapExtent> covering(long capacity, List<ByteRange> changed) {
    List<MapExtent> extents = new ArrayList<>();
    long done = 0;
    for (ByteRange range : changed) {
      if (range.offset() > done) {
        extents.add(new MapExtent(done, range.offset() - done, false));
      }
      if (range.length() > 0) {
        extents.add(new MapExtent(range.offset(), range.length(), true));
      }
      done = range.end();
    }
    if (done < capacity) {
      extents.add(new MapExtent(done, capacity - done, false));
    }
    return extents;
  }
}

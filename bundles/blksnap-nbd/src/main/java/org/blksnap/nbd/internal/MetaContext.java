// SPDX-License-Identifier: Apache-2.0
package org.blksnap.nbd.internal;

import java.util.Arrays;
import java.util.List;
import org.blksnap.api.block.ByteRange;

/**
 * A selected metadata context.
 *
 * <p>Either {@code base:allocation}, asked from the device each time, or a set of changed ranges,
 * fixed when it was selected: {@code edges} holds begin and end of each in turn, ascending, so the
 * range a byte lies in follows from one binary search.
 *
 * @param id number the client names it by
 * @param name its full name
 * @param edges null for {@code base:allocation}
 */
record MetaContext(int id, String name, long[] edges) {
  boolean allocation() {
    return edges == null;
  }

  static long[] edgesOf(List<ByteRange> ranges) {
    long[] edges = new long[ranges.size() * 2];
    int at = 0;
    for (ByteRange range : ranges) {
      if (at > 0 && edges[at - 1] == range.offset()) {
        edges[at - 1] = range.end();
      } else if (range.length() > 0) {
        edges[at++] = range.offset();
        edges[at++] = range.end();
      }
    }
    return Arrays.copyOf(edges, at);
  }

  /** Index of the first edge behind {@code offset}; odd means that the byte is in a range. */
  int edgeAfter(long offset) {
    int found = Arrays.binarySearch(edges, offset);
    return found >= 0 ? found + 1 : -found - 1;
  }
}

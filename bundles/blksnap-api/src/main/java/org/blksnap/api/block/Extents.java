// SPDX-License-Identifier: Apache-2.0
package org.blksnap.api.block;

import java.io.IOException;
import java.util.List;
import org.osgi.annotation.versioning.ConsumerType;

/**
 * Ranges of a device as a cursor: asked for a portion at a time, so that any number of them costs
 * the memory of one portion. Any thread.
 */
@ConsumerType
@FunctionalInterface
public interface Extents {
  /** Extents asked for at a time by {@link #forEach} and {@link #bytes}. */
  int PORTION = 1024;

  /** What is done with each extent. */
  @FunctionalInterface
  interface Action {
    /** May fail; the walk ends with its failure. */
    void take(ByteRange extent) throws IOException;
  }

  /**
   * Ranges at or behind {@code offset}: ascending, none empty, none overlapping the next; one that
   * begins before {@code offset} is cut there. Go on at the end of the last one; an empty list says
   * that there are no more.
   *
   * @param offset bytes, 0 or more
   * @param limit most ranges answered, 1 or more
   * @throws BlksnapException EINVAL: an offset below 0 or a limit below 1
   */
  List<ByteRange> extents(long offset, int limit) throws IOException;

  /** All of a device of this capacity, in bytes. */
  static Extents whole(long capacity) {
    return (offset, limit) -> {
      check(offset, limit);
      return offset >= capacity ? List.of() : List.of(new ByteRange(offset, capacity - offset));
    };
  }

  /** For those who implement {@link #extents}: EINVAL with the values and what is allowed. */
  static void check(long offset, int limit) throws BlksnapException {
    if (offset < 0 || limit < 1) {
      throw new BlksnapException(
          Errno.EINVAL,
          "extents from "
              + offset
              + ", at most "
              + limit
              + " refused: allowed are an offset from 0 and a limit from 1");
    }
  }

  /**
   * Walks through all extents in order, {@link #PORTION} at a time. Fails as {@link #extents}; EIO
   * where that answers an empty extent, or one that goes back: the walk would never end.
   */
  default void forEach(Action action) throws IOException {
    long offset = 0;
    while (true) {
      List<ByteRange> portion = extents(offset, PORTION);
      if (portion.isEmpty()) {
        return;
      }
      for (ByteRange extent : portion) {
        if (extent.offset() < offset || extent.length() == 0) {
          throw new BlksnapException(
              Errno.EIO,
              extent
                  + " behind "
                  + offset
                  + " refused: extents have to ascend, and none is empty; the walk was given up");
        }
        action.take(extent);
        offset = extent.end();
      }
    }
  }

  /** The sum of all extents, in bytes. Fails as {@link #extents}. */
  default long bytes() throws IOException {
    long[] sum = new long[1];
    forEach(extent -> sum[0] += extent.length());
    return sum[0];
  }
}

// SPDX-License-Identifier: Apache-2.0
package org.blksnap.chunk.internal;

import java.io.IOException;
import java.util.concurrent.atomic.LongAdder;
import org.blksnap.spi.chunk.LiveReader;

/**
 * The pages of the live device on their way into a slot. Called under the lock of the chunk and
 * with the bits of the pages clear, when no live write to them can go down.
 */
final class LivePages {
  private final ChunkGeometry geometry;
  private final BufferSlots slots;
  private final LiveReader live;
  private final LongAdder copiedBytes = new LongAdder();

  LivePages(ChunkGeometry geometry, BufferSlots slots, LiveReader live) {
    this.geometry = geometry;
    this.slots = slots;
    this.live = live;
  }

  /** Reads pages into the slot. */
  void load(int slot, int chunk, long pages) throws IOException {
    for (long rest = pages; rest != 0; rest = ChunkGeometry.afterRun(rest)) {
      int from = geometry.runStart(rest);
      int to = geometry.runEnd(chunk, rest);
      live.read(slots.view(slot, from, to), geometry.start(chunk) + from);
      copiedBytes.add(to - from);
    }
  }

  /** True where the device knows a hole from the first to the last of the pages. */
  boolean hole(int chunk, long pages) throws IOException {
    int from = geometry.runStart(pages);
    int last = Long.SIZE - 1 - Long.numberOfLeadingZeros(pages);
    int to = Math.min((last + 1) << geometry.pageShift(), geometry.length(chunk));
    return live.hole(geometry.start(chunk) + from, to - from);
  }

  /** Bytes read so far; any thread. */
  long copiedByteCount() {
    return copiedBytes.sum();
  }
}

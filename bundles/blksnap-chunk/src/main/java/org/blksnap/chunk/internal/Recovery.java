// SPDX-License-Identifier: Apache-2.0
package org.blksnap.chunk.internal;

import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;

/**
 * After opening, before anybody else is in the area: what a predecessor, or a kill, has left.
 *
 * <p>A slot's pages that are not in {@code which} were never relied on, the live device still has
 * them. A page in a slot is the newest: what the map says of it being zero was about to be taken
 * back. A page that is said to be zero and is not in {@code which} was about to be saved.
 */
final class Recovery {
  private final ChunkGeometry geometry;
  private final ChunkMap map;
  private final BufferSlots slots;
  private final SavedChunks saved;

  Recovery(ChunkGeometry geometry, ChunkMap map, BufferSlots slots, SavedChunks saved) {
    this.geometry = geometry;
    this.map = map;
    this.slots = slots;
    this.saved = saved;
  }

  /** EFAULT: a page is said to be saved and lies nowhere. */
  void run() throws BlksnapException {
    for (int slot = 0; slot < slots.slots(); slot++) {
      long pages = slots.pages(slot);
      if (pages != 0) {
        recover(slot, slots.chunk(slot), pages);
      }
    }
    for (int chunk = 0; chunk < geometry.chunkCount(); chunk++) {
      long which = map.which(chunk);
      long zero = map.zero(chunk);
      if ((zero & ~which) != 0) {
        map.zero(chunk, zero & which);
      }
      if (which != 0) {
        check(chunk, which, zero);
        saved.count(chunk, 0, which);
      }
    }
  }

  private void recover(int slot, int chunk, long pages) throws BlksnapException {
    if (saved.slotOf(chunk) != BufferSlots.NONE) {
      throw damaged("chunk " + chunk + " is in two buffers");
    }
    long kept = pages & map.which(chunk);
    slots.pages(slot, kept);
    if (kept == 0) {
      slots.release(slot);
    } else {
      map.zero(chunk, map.zero(chunk) & ~kept);
      saved.link(slot, chunk);
    }
  }

  private void check(int chunk, long which, long zero) throws BlksnapException {
    long lost = which & ~geometry.allPages(chunk);
    if (map.where(chunk) < 0) {
      int slot = saved.slotOf(chunk);
      lost |= which & ~zero & ~(slot == BufferSlots.NONE ? 0 : slots.pages(slot));
    }
    if (lost != 0) {
      throw damaged("pages of chunk " + chunk + " are said to be saved and lie nowhere");
    }
  }

  private static BlksnapException damaged(String why) {
    return new BlksnapException(
        Errno.EFAULT, ChunkMap.FILE + " refused: " + why + "; the snapshot of this device is lost");
  }
}

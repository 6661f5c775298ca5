// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal.data;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.blksnap.api.block.AllocationExtent;
import org.blksnap.spi.chunk.DiffArea;

/**
 * What of an image is data, and what is known to be a hole: of saved stretches the area tells, of
 * the others the live device. Stateless; the caller is inside the gates of device and image.
 */
final class ImageAllocation {
  private ImageAllocation() {}

  static List<AllocationExtent> of(
      DiffArea area, FilteredDevice device, long offset, long length, int limit)
      throws IOException {
    List<AllocationExtent> extents = new ArrayList<>();
    long end = offset + length;
    for (long at = offset; at < end && extents.size() < limit; ) {
      DiffArea.Run run = area.runAt(at, end - at);
      if (run.saved()) {
        append(extents, new AllocationExtent(at, run.length(), false, false));
        at += run.length();
      } else {
        at = appendLive(extents, area, device, at, run.length(), limit);
      }
    }
    return extents;
  }

  /**
   * What the live device says of an unsaved stretch counts only if the stretch is still unsaved
   * afterwards: else a hole punched meanwhile would be told of data that was saved.
   */
  private static long appendLive(
      List<AllocationExtent> extents,
      DiffArea area,
      FilteredDevice device,
      long at,
      long length,
      int limit)
      throws IOException {
    long inDevice = Math.min(length, device.capacity() - at);
    if (inDevice <= 0) {
      append(extents, new AllocationExtent(at, length, false, false));
      return at + length;
    }
    List<AllocationExtent> live =
        device.present().allocation(at, inDevice, Math.max(1, limit - extents.size()));
    AllocationExtent last = live.get(live.size() - 1);
    long covered = last.offset() + last.length() - at;
    DiffArea.Run again = area.runAt(at, covered);
    if (again.saved() || again.length() < covered) {
      append(extents, new AllocationExtent(at, covered, false, false));
    } else {
      live.forEach(extent -> append(extents, extent));
    }
    return at + covered;
  }

  private static void append(List<AllocationExtent> extents, AllocationExtent next) {
    int size = extents.size();
    if (size > 0) {
      AllocationExtent last = extents.get(size - 1);
      if (last.hole() == next.hole() && last.zero() == next.zero()) {
        extents.set(
            size - 1,
            new AllocationExtent(
                last.offset(), last.length() + next.length(), last.hole(), last.zero()));
        return;
      }
    }
    extents.add(next);
  }
}

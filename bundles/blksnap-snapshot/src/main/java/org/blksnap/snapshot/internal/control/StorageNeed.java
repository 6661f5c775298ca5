// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal.control;

import java.util.function.LongSupplier;
import org.blksnap.api.block.BlockSizeRule;
import org.blksnap.api.block.Geometry;
import org.blksnap.snapshot.internal.data.FilteredDevice;
import org.blksnap.snapshot.internal.record.SnapshotRecord;

/**
 * What a snapshot can need of its difference storage at most, in bytes: every chunk of every device
 * saved once. 0 while it has no device: nothing is known then. Any thread; the size at the take
 * counts once there is one, the present size before.
 */
final class StorageNeed implements LongSupplier {
  private final Desk desk;
  private final MemberList members;

  StorageNeed(Desk desk, MemberList members) {
    this.desk = desk;
    this.members = members;
  }

  @Override
  public long getAsLong() {
    BlockSizeRule present = desk.chunkRule();
    long bytes = 0;
    for (SnapshotRecord.Member member : members.all().values()) {
      Geometry geometry = member.geometry();
      if (geometry == null) {
        FilteredDevice device = desk.devices().named(member.device());
        geometry = device == null ? null : device.geometry();
      }
      if (geometry == null) {
        return 0;
      }
      bytes += ofDevice(geometry, member.rule() == null ? present : member.rule());
    }
    return bytes;
  }

  /** Whole chunks. */
  static long ofDevice(Geometry geometry, BlockSizeRule rule) {
    int shift = rule.shiftFor(geometry.capacity(), geometry.minimumIo());
    return BlockSizeRule.blocks(geometry.capacity(), shift) << shift;
  }
}

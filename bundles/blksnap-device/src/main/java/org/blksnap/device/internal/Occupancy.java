// SPDX-License-Identifier: Apache-2.0
package org.blksnap.device.internal;

import java.nio.file.Path;
import java.util.List;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.device.internal.MountTable.Mount;

/** Refuses a device that something else on this host is using. */
final class Occupancy {
  private final SysBlock sys;
  private final MountTable table;
  private final Topology topology;

  Occupancy(SysBlock sys, MountTable table, Topology topology) {
    this.sys = sys;
    this.table = table;
    this.topology = topology;
  }

  /** EBUSY with who uses it and what to do. */
  void refuseIfUsed(Path path, FileStat device) throws BlksnapException {
    for (Mount mount : topology.allMountsFrom(device)) {
      throw busy(
          path, "it is mounted on " + mount.point(), "unmount it (umount " + mount.point() + ")");
    }
    for (Path swap : table.swaps()) {
      if (FileStat.find(swap).filter(stat -> isPart(stat, device)).isPresent()) {
        throw busy(path, "it is swapped to as " + swap, "swapoff " + swap);
      }
    }
    for (DeviceNumber number : topology.familyOf(device)) {
      List<DeviceNumber> holders = sys.holders(number);
      if (!holders.isEmpty()) {
        String holder = sys.name(holders.get(0));
        throw busy(path, "it is part of " + holder, "stop " + holder + " or attach it instead");
      }
    }
    for (DeviceNumber loop : topology.loopsOver(device)) {
      String name = "/dev/" + sys.name(loop);
      throw busy(path, "it backs " + name, "losetup -d " + name + " or attach it instead");
    }
  }

  private boolean isPart(FileStat other, FileStat device) {
    return other.same(device)
        || (other.block() && topology.familyOf(device).contains(other.number()));
  }

  private static BlksnapException busy(Path path, String why, String remedy) {
    return new BlksnapException(
        Errno.EBUSY,
        path + " refused: " + why + "; " + remedy + ", or force it and know that two write to it");
  }
}

// SPDX-License-Identifier: Apache-2.0
package org.blksnap.device.internal;

import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.linux.proc.DeviceNumber;
import org.blksnap.linux.proc.MountTable;
import org.blksnap.linux.proc.MountTable.Mount;
import org.blksnap.spi.host.FileClaim;
import org.blksnap.spi.host.FileUsers;

/** Refuses a device that something else on this host is using. */
final class Occupancy {
  static final String REMEDY = "stop that, or force it and know that two write to it";

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
    for (DeviceNumber number : relatives(device)) {
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

  /** Whoever holds a whole disk holds its partitions too, and the other way round. */
  private Set<DeviceNumber> relatives(FileStat device) {
    Set<DeviceNumber> relatives = new LinkedHashSet<>(topology.familyOf(device));
    if (device.block()) {
      relatives.add(sys.disk(device.number()));
    }
    return relatives;
  }

  /** EBUSY where another process has it open for writing, or has locked it; with who that is. */
  void refuseIfOpenElsewhere(Path path, boolean writable) throws BlksnapException {
    FileUsers users = FileUsers.of(table.proc(), path);
    if (users.inTheWay(writable).isPresent()) {
      throw FileClaim.busy(path.toString(), users, REMEDY);
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

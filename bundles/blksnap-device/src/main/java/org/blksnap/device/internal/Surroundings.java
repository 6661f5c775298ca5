// SPDX-License-Identifier: Apache-2.0
package org.blksnap.device.internal;

import java.nio.file.Path;
import org.blksnap.linux.proc.MountTable;

/** The views of /sys and /proc that belong together. */
record Surroundings(
    SysBlock sys,
    MountTable table,
    Topology topology,
    Occupancy occupancy,
    Identities identities,
    Geometries geometries) {
  static Surroundings of(Path sysDirectory, Path procDirectory) {
    SysBlock sys = new SysBlock(sysDirectory);
    MountTable table = new MountTable(procDirectory);
    Topology topology = new Topology(sys, table);
    return new Surroundings(
        sys,
        table,
        topology,
        new Occupancy(sys, table, topology),
        new Identities(sys),
        new Geometries(sys));
  }
}

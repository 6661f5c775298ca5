// SPDX-License-Identifier: Apache-2.0
package org.blksnap.spi.module;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * What {@code snapshot_create} is told.
 *
 * @param devices nodes of the devices, where they are named at the creation; else empty
 * @param storage the file that the storage is, where there is one; else empty
 * @param limitBytes how far the module may grow that file; else 0
 */
public record SnapshotSeed(List<Path> devices, Optional<Path> storage, long limitBytes) {
  /** Of a module that is told nothing at the creation. */
  public static final SnapshotSeed NONE = new SnapshotSeed(List.of(), Optional.empty(), 0);

  public SnapshotSeed {
    devices = List.copyOf(devices);
  }
}

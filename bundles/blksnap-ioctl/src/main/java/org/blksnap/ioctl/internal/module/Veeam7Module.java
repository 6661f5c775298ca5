// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.module;

import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.ByteRange;
import org.blksnap.ioctl.internal.layout.Veeam7;
import org.blksnap.spi.module.ModuleFeature;

/** {@code veeamblksnap} 7: a storage file as upstream, or none and ranges as the seed. */
final class Veeam7Module extends UpstreamModule {
  Veeam7Module(Place place, Node control, Node filters) {
    super(place, control, new FilterByPath(place.calls(), place.look(), filters));
  }

  @Override
  public Set<ModuleFeature> features() {
    return EnumSet.of(
        ModuleFeature.APPEND_STORAGE,
        ModuleFeature.STORAGE_FILE,
        ModuleFeature.ADD_DEVICE,
        ModuleFeature.ATTACH,
        ModuleFeature.MEMBER_ERROR,
        ModuleFeature.LOW_FREE_SPACE);
  }

  @Override
  boolean needsStorageFile() {
    return false;
  }

  @Override
  public String modification() {
    return modification(Veeam7.MODIFICATION_CALL, Veeam7.MODIFICATION, Veeam7.MODIFICATION_NAME);
  }

  @Override
  public void appendStorage(UUID snapshot, Path device, List<ByteRange> ranges)
      throws BlksnapException {
    String name = "snapshot_append_storage of " + device + " to " + snapshot;
    SectorRanges.check(name, ranges);
    Memory path = Memory.of(calls, device.toAbsolutePath().toString());
    try (Node held = control.held(name)) {
      SectorRanges.inSlices(
          "snapshot_append_storage",
          calls,
          ranges,
          (sectors, count) -> {
            Memory argument = Memory.of(calls, Veeam7.APPEND_STORAGE);
            Veeam7.APPEND_ID.put(argument.bytes(), snapshot);
            Veeam7.APPEND_PATH.put(argument.bytes(), path.address());
            Veeam7.APPEND_COUNT.put(argument.bytes(), count);
            Veeam7.APPEND_RANGES.put(argument.bytes(), sectors.address());
            held.call(name, Veeam7.APPEND_STORAGE_CALL, argument, Node.Broken.TOLD);
          });
    }
    path.used();
  }
}

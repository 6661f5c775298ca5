// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.module;

import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.ByteRange;
import org.blksnap.ioctl.internal.layout.Seed;
import org.blksnap.spi.module.Dialect;
import org.blksnap.spi.module.ModuleFeature;
import org.blksnap.spi.module.SnapshotSeed;

/** Interface 2.0.0.0. */
final class SeedModule extends FilteringModule {
  SeedModule(Place place, Node control) {
    super(
        Dialect.SEED,
        place,
        control,
        CallWords.SEED,
        EventCodes.SEED,
        FilterOnDevice.seed(place.calls(), place.look()));
  }

  @Override
  public Set<ModuleFeature> features() {
    return EnumSet.of(
        ModuleFeature.APPEND_STORAGE,
        ModuleFeature.ADD_DEVICE,
        ModuleFeature.ATTACH,
        ModuleFeature.MEMBER_ERROR,
        ModuleFeature.LOW_FREE_SPACE);
  }

  @Override
  public UUID create(SnapshotSeed seed) throws BlksnapException {
    mustNotBeTold(seed, ModuleFeature.ADD_DEVICE);
    mustNotBeTold(seed, ModuleFeature.APPEND_STORAGE);
    Memory id = Memory.of(calls, Seed.UUID);
    control.call("snapshot_create", Seed.CREATE_CALL, id, Node.Broken.TOLD);
    return Seed.UUID_B.uuid(id.bytes());
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
            Memory argument = Memory.of(calls, Seed.APPEND_STORAGE);
            Seed.APPEND_ID.put(argument.bytes(), snapshot);
            Seed.APPEND_PATH.put(argument.bytes(), path.address());
            Seed.APPEND_PATH_SIZE.put(argument.bytes(), path.size());
            Seed.APPEND_COUNT.put(argument.bytes(), count);
            Seed.APPEND_RANGES.put(argument.bytes(), sectors.address());
            held.call(name, Seed.APPEND_STORAGE_CALL, argument, Node.Broken.TOLD);
          });
    }
    path.used();
  }
}

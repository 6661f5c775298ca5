// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.module;

import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.ByteRange;
import org.blksnap.api.block.Errno;
import org.blksnap.ioctl.internal.layout.Layout;
import org.blksnap.ioctl.internal.layout.Upstream;
import org.blksnap.spi.module.Dialect;
import org.blksnap.spi.module.ModuleFeature;
import org.blksnap.spi.module.SnapshotSeed;

/** The upstream kernels: storage is one file, named at the creation and grown by the module. */
class UpstreamModule extends FilteringModule {
  private final boolean byDescriptor;

  private UpstreamModule(
      Dialect dialect, Place place, Node control, EventCodes codes, FilterCalls filters) {
    super(dialect, place, control, CallWords.UPSTREAM, codes, filters);
    byDescriptor = dialect == Dialect.UPSTREAM_6;
  }

  /** Veeam 7. */
  UpstreamModule(Place place, Node control, FilterCalls filters) {
    this(Dialect.VEEAM_7, place, control, EventCodes.VEEAM_7, filters);
  }

  static UpstreamModule v6(Place place, Node control) {
    return new UpstreamModule(
        Dialect.UPSTREAM_6,
        place,
        control,
        EventCodes.UPSTREAM,
        FilterOnDevice.seed(place.calls(), place.look()));
  }

  static UpstreamModule v7(Place place, Node control) {
    return new UpstreamModule(
        Dialect.UPSTREAM_7,
        place,
        control,
        EventCodes.UPSTREAM,
        FilterOnDevice.seed(place.calls(), place.look()));
  }

  static UpstreamModule linux615(Place place, Node control) {
    return new UpstreamModule(
        Dialect.UPSTREAM_6_15,
        place,
        control,
        EventCodes.UPSTREAM_6_15,
        FilterOnDevice.upstream615(place.calls(), place.look()));
  }

  @Override
  public Set<ModuleFeature> features() {
    Set<ModuleFeature> features =
        EnumSet.of(
            ModuleFeature.STORAGE_FILE,
            ModuleFeature.ADD_DEVICE,
            ModuleFeature.ATTACH,
            ModuleFeature.MEMBER_ERROR);
    if (dialect() == Dialect.UPSTREAM_6_15) {
      features.add(ModuleFeature.NO_SPACE);
    }
    return features;
  }

  /** Whether a snapshot needs its storage at the creation. */
  boolean needsStorageFile() {
    return true;
  }

  @Override
  public final UUID create(SnapshotSeed seed) throws BlksnapException {
    mustNotBeTold(seed, ModuleFeature.ADD_DEVICE);
    if (seed.limitBytes() < 0 || seed.limitBytes() % ByteRange.SECTOR != 0) {
      throw new BlksnapException(
          Errno.EINVAL,
          "snapshot_create with a limit of "
              + seed.limitBytes()
              + " bytes refused: give a multiple of 512, 0 or more");
    }
    if (seed.storage().isEmpty()) {
      if (needsStorageFile()) {
        throw new BlksnapException(
            Errno.EINVAL,
            "snapshot_create refused: "
                + dialect().text()
                + " has to be told its storage file at the creation, and how far it may grow");
      }
      return create(seed.limitBytes(), 0);
    }
    String storage = seed.storage().get().toAbsolutePath().toString();
    return byDescriptor
        ? createOn(storage, seed.limitBytes())
        : createNamed(storage, seed.limitBytes());
  }

  private UUID createNamed(String storage, long limit) throws BlksnapException {
    Memory path = Memory.of(calls, storage);
    UUID id = create(limit, path.address());
    path.used();
    return id;
  }

  private UUID create(long limit, long filename) throws BlksnapException {
    Memory argument = Memory.of(calls, Upstream.CREATE);
    Upstream.CREATE_LIMIT.put(argument.bytes(), limit / ByteRange.SECTOR);
    Upstream.CREATE_FILENAME.put(argument.bytes(), filename);
    return created(argument, Upstream.CREATE_ID);
  }

  /** The module keeps the file open itself. */
  private UUID createOn(String storage, long limit) throws BlksnapException {
    try (Node file = Node.open(calls, storage, Node.O_RDWR | Node.O_EXCL)) {
      Memory argument = Memory.of(calls, Upstream.CREATE_6);
      Upstream.CREATE_6_LIMIT.put(argument.bytes(), limit / ByteRange.SECTOR);
      Upstream.CREATE_6_FD.put(argument.bytes(), file.descriptor());
      return created(argument, Upstream.CREATE_6_ID);
    }
  }

  private UUID created(Memory argument, Layout.Field id) throws BlksnapException {
    control.call("snapshot_create", Upstream.CREATE_CALL, argument, Node.Broken.TOLD);
    return id.uuid(argument.bytes());
  }

  @Override
  public void appendStorage(UUID snapshot, Path device, List<ByteRange> ranges)
      throws BlksnapException {
    throw Refusal.unsupported(
        "snapshot_append_storage",
        dialect().text(),
        "its storage is the file given at the creation, which the module grows up to the limit");
  }
}

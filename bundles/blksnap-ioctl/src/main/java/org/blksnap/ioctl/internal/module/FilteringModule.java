// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.module;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.UUID;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.ByteRange;
import org.blksnap.ioctl.internal.layout.Seed;
import org.blksnap.spi.module.Dialect;
import org.blksnap.spi.module.MemberState;
import org.blksnap.spi.module.TrackerState;

/** Dialects whose devices are reached through filter calls: all but Veeam 6. */
abstract class FilteringModule extends LoadedModule {
  private final FilterCalls filters;

  FilteringModule(
      Dialect dialect,
      Place place,
      Node control,
      CallWords words,
      EventCodes codes,
      FilterCalls filters) {
    super(dialect, place, control, words, codes);
    this.filters = filters;
  }

  private FilterCalls.Filtered open(String call, Path device) throws BlksnapException {
    mustBeOpen(call);
    return filters.open(call, device);
  }

  @Override
  public final void attach(Path device) throws BlksnapException {
    try (FilterCalls.Filtered filter = open("BLKFILTER_ATTACH", device)) {
      filter.attach();
    }
  }

  @Override
  public final void detach(Path device) throws BlksnapException {
    try (FilterCalls.Filtered filter = open("BLKFILTER_DETACH", device)) {
      filter.detach();
    }
  }

  @Override
  public final void addDevice(UUID snapshot, Path device) throws BlksnapException {
    Memory option = Memory.of(calls, Seed.SNAPSHOTADD);
    Seed.SNAPSHOTADD_ID.put(option.bytes(), snapshot);
    String name = "snapshotadd to " + snapshot;
    try (FilterCalls.Filtered filter = open(name, device)) {
      filter.control(name, Seed.CTL_SNAPSHOTADD, option, Node.Broken.TOLD);
    }
  }

  @Override
  public final MemberState member(Path device) throws BlksnapException {
    Memory option = Memory.of(calls, Seed.SNAPSHOTINFO);
    try (FilterCalls.Filtered filter = open("snapshotinfo", device)) {
      filter.control("snapshotinfo", Seed.CTL_SNAPSHOTINFO, option, Node.Broken.AGAIN);
    }
    return Answers.member(
        device.toString(),
        (int) Seed.SNAPSHOTINFO_ERROR.get(option.bytes()),
        Seed.SNAPSHOTINFO_IMAGE.text(option.bytes()));
  }

  @Override
  public final TrackerState tracker(Path device) throws BlksnapException {
    try (FilterCalls.Filtered filter = open("cbtinfo", device)) {
      return state(filter, device);
    }
  }

  private TrackerState state(FilterCalls.Filtered filter, Path device) throws BlksnapException {
    Memory option = Memory.of(calls, Seed.CBTINFO);
    filter.control("cbtinfo", Seed.CTL_CBTINFO, option, Node.Broken.AGAIN);
    ByteBuffer info = option.bytes();
    return Answers.tracker(
        device.toString(),
        Seed.CBTINFO_CAPACITY.get(info),
        Seed.CBTINFO_BLOCK_SIZE.get(info),
        Seed.CBTINFO_BLOCK_COUNT.get(info),
        Seed.CBTINFO_GENERATION.uuid(info),
        (int) Seed.CBTINFO_NUMBER.get(info));
  }

  @Override
  public final int readMap(Path device, long index, ByteBuffer dst) throws BlksnapException {
    try (FilterCalls.Filtered filter = open("cbtmap", device)) {
      MapReading.Source source =
          new MapReading.Source() {
            @Override
            public TrackerState state() throws BlksnapException {
              return FilteringModule.this.state(filter, device);
            }

            @Override
            public void read(long offset, int length, long address) throws BlksnapException {
              Memory option = Memory.of(calls, Seed.CBTMAP);
              Seed.CBTMAP_OFFSET.put(option.bytes(), offset);
              Seed.CBTMAP_LENGTH.put(option.bytes(), length);
              Seed.CBTMAP_BUFFER.put(option.bytes(), address);
              String name = "cbtmap of " + length + " bytes at " + offset;
              filter.control(name, Seed.CTL_CBTMAP, option, Node.Broken.AGAIN);
            }
          };
      return MapReading.read(calls, device.toString(), source, index, dst);
    }
  }

  @Override
  public final void markDirty(Path device, List<ByteRange> ranges) throws BlksnapException {
    SectorRanges.check("cbtdirty on " + device, ranges);
    try (FilterCalls.Filtered filter = open("cbtdirty", device)) {
      SectorRanges.inSlices(
          "cbtdirty",
          calls,
          ranges,
          (sectors, count) -> {
            Memory option = Memory.of(calls, Seed.CBTDIRTY);
            Seed.CBTDIRTY_COUNT.put(option.bytes(), count);
            Seed.CBTDIRTY_SECTORS.put(option.bytes(), sectors.address());
            String name = "cbtdirty of " + count + " ranges";
            filter.control(name, Seed.CTL_CBTDIRTY, option, Node.Broken.AGAIN);
          });
    }
  }

  @Override
  public void close() {
    super.close();
    filters.close();
  }
}

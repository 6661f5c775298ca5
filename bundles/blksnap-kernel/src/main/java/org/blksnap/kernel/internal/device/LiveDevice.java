// SPDX-License-Identifier: Apache-2.0
package org.blksnap.kernel.internal.device;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Supplier;
import org.blksnap.api.block.AllocationExtent;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.block.Geometry;
import org.blksnap.api.block.IoFlags;
import org.blksnap.api.change.CbtInfo;
import org.blksnap.api.change.ChangeMap;
import org.blksnap.api.snapshot.AttachRequest;
import org.blksnap.api.snapshot.AttachedDevice;
import org.blksnap.api.snapshot.DeviceCondition;
import org.blksnap.api.snapshot.GateStatistics;
import org.blksnap.kernel.internal.host.Disk;
import org.blksnap.kernel.internal.host.Disks;
import org.blksnap.kernel.internal.host.LentDevice;
import org.blksnap.kernel.internal.host.PresentModule;
import org.blksnap.spi.device.DeviceProvider;

/**
 * A block device with the kernel's filter on it. Its users write to the block device itself, and
 * the filter sees that; through this object it is read, and every change is EROFS. So nothing that
 * is served of it can write behind a file system that is mounted from it.
 *
 * <p>What is read comes through the block device's own cache: what a mounted file system has
 * written may not show in it. A backup reads the image.
 */
public final class LiveDevice implements AttachedDevice {
  /** What a device cannot do alone. */
  public interface Keeper {
    /** As {@link AttachedDevice#restartChanges}. */
    CbtInfo restart(LiveDevice device) throws BlksnapException;
  }

  private final String name;
  private final AttachRequest request;
  private final Disk disk;
  private final PresentModule module;
  private final Disks disks;
  private final Supplier<DeviceProvider> providers;
  private final Generations generations;
  private final DeviceChanges changes;
  private final LentDevice raw;
  private final Keeper keeper;
  private volatile Geometry geometry;
  private volatile UUID snapshot;
  private volatile boolean ended;

  LiveDevice(
      AttachRequest request,
      Disk disk,
      PresentModule module,
      Disks disks,
      Supplier<DeviceProvider> providers,
      Generations generations,
      Geometry geometry,
      Keeper keeper) {
    this.name = request.name();
    this.request = request;
    this.disk = disk;
    this.module = module;
    this.disks = disks;
    this.providers = providers;
    this.generations = generations;
    this.changes = new DeviceChanges(name, this::node, module, generations);
    this.raw = new LentDevice(disk.node(), true, providers, () -> disks.check(disk));
    this.geometry = geometry.withReadOnly(true);
    this.keeper = keeper;
  }

  /** For the kernel, which takes a path. ENODEV where that leads to another device by now. */
  public Path node() throws BlksnapException {
    disks.check(disk);
    return disk.node();
  }

  public Disk disk() {
    return disk;
  }

  Generations generations() {
    return generations;
  }

  /** Null: it is in none. */
  public void belongTo(UUID newSnapshot) {
    snapshot = newSnapshot;
  }

  /** It is no longer there for its users. */
  void end() {
    ended = true;
    raw.end("device " + name + " is no longer attached");
  }

  /** About each second. */
  public void tick() {
    raw.tick();
  }

  /** Something done with the open device. */
  private interface Work {
    void run() throws IOException;
  }

  private void unlessEnded(Work work) throws IOException {
    if (ended) {
      throw gone();
    }
    try {
      work.run();
    } catch (BlksnapException e) {
      throw ended ? gone() : e;
    }
  }

  private <T> T use(LentDevice.Use<T> use) throws IOException {
    if (ended) {
      throw gone();
    }
    try {
      return raw.use(use);
    } catch (BlksnapException e) {
      throw ended ? gone() : e;
    }
  }

  private BlksnapException gone() {
    return new BlksnapException(
        Errno.ESHUTDOWN, "device " + name + " is detached, or its engine has stopped");
  }

  @Override
  public void read(ByteBuffer dst, long offset) throws IOException {
    checkInside(offset, dst.remaining());
    unlessEnded(() -> raw.read(dst, offset));
  }

  @Override
  public void transferTo(long offset, long length, WritableByteChannel target) throws IOException {
    checkInside(offset, length);
    unlessEnded(() -> raw.transferTo(offset, length, target));
  }

  @Override
  public void prefetch(long offset, long length) throws IOException {
    checkInside(offset, length);
    use(
        device -> {
          device.prefetch(offset, length);
          return null;
        });
  }

  @Override
  public List<AllocationExtent> allocation(long offset, long length, int limit) throws IOException {
    checkInside(offset, length);
    return use(device -> device.allocation(offset, length, limit));
  }

  @Override
  public void write(ByteBuffer src, long offset, IoFlags flags) throws IOException {
    throw readOnly();
  }

  @Override
  public void discard(long offset, long length, IoFlags flags) throws IOException {
    throw readOnly();
  }

  @Override
  public void writeZeroes(long offset, long length, IoFlags flags) throws IOException {
    throw readOnly();
  }

  private BlksnapException readOnly() {
    return new BlksnapException(
        Errno.EROFS,
        "device "
            + name
            + " is written to as "
            + disk.node()
            + ", whose kernel filter sees that; through the kernel engine it is read alone");
  }

  /** Nothing was written through here. */
  @Override
  public void flush() throws IOException {
    if (ended) {
      throw gone();
    }
  }

  /** As {@link org.blksnap.spi.device.RawDevice#carries}. */
  public boolean carries(Path place) throws IOException {
    return use(device -> device.carries(place));
  }

  private void checkInside(long offset, long length) throws IOException {
    if (outside(offset, length) && (offset < 0 || length < 0 || !rescan())
        || outside(offset, length)) {
      throw new BlksnapException(
          Errno.EINVAL,
          "device "
              + name
              + ": offset "
              + offset
              + " length "
              + length
              + " is not inside its "
              + geometry.capacity()
              + " bytes");
    }
  }

  private boolean outside(long offset, long length) {
    return offset < 0 || length < 0 || offset > geometry.capacity() - length;
  }

  /** The kernel looks at the capacity itself, at the next take; the map begins anew there. */
  @Override
  public boolean rescan() throws IOException {
    DeviceProvider provider = providers.get();
    if (ended || provider == null) {
      return false;
    }
    Geometry now = provider.geometry(disk.node()).withReadOnly(true);
    boolean changed = now.capacity() != geometry.capacity();
    geometry = now;
    return changed;
  }

  @Override
  public CbtInfo restartChanges() throws BlksnapException {
    return keeper.restart(this);
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public Geometry geometry() {
    return geometry;
  }

  @Override
  public Path path() {
    return request.path();
  }

  @Override
  public String identity() {
    return disk.number();
  }

  @Override
  public int major() {
    return disk.major();
  }

  @Override
  public int minor() {
    return disk.minor();
  }

  @Override
  public ChangeMap changes() {
    return changes;
  }

  @Override
  public Optional<UUID> snapshot() {
    return Optional.ofNullable(snapshot);
  }

  /** The module holds writers itself, and does not tell for how long. */
  @Override
  public GateStatistics gate() {
    return GateStatistics.NONE;
  }

  @Override
  public DeviceCondition condition() {
    return ended
        ? DeviceCondition.ENDED
        : trouble().isEmpty() ? DeviceCondition.OK : DeviceCondition.UNTRACKED;
  }

  @Override
  public String conditionDetail() {
    return ended ? "it was detached, or its engine has stopped" : trouble().orElse("ok");
  }

  private Optional<String> trouble() {
    if (module.isAway()) {
      return Optional.empty();
    }
    try {
      Path path = node();
      module.ask(m -> m.tracker(path));
      return Optional.empty();
    } catch (BlksnapException e) {
      return e.errno() == Errno.ESHUTDOWN
          ? Optional.empty()
          : Optional.of(
              "the kernel's filter is not on it any more, so nobody tracks its changes ("
                  + e.getMessage()
                  + "); detach it and attach it again");
    }
  }

  @Override
  public AttachRequest request() {
    return request;
  }
}

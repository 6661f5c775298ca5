// SPDX-License-Identifier: Apache-2.0
package org.blksnap.device.internal;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import org.blksnap.api.block.AllocationExtent;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.block.Geometry;
import org.blksnap.api.health.Finding;
import org.blksnap.linux.file.EnduringFile;
import org.blksnap.linux.file.LastSector;
import org.blksnap.linux.proc.MountTable.Mount;
import org.blksnap.spi.device.DeviceIdentity;
import org.blksnap.spi.device.RawDevice;
import org.blksnap.spi.host.HostFile;
import org.blksnap.spi.host.HostOperations;

/**
 * What regular files and block devices have in common: a channel for the data, the host's file for
 * what the channel cannot do, and the freezes that are to end with the device.
 *
 * <p>No state beyond open or closed (the channel's) and the geometry, which {@link #refresh} alone
 * replaces.
 */
abstract class OpenDevice implements RawDevice {
  final Path path;
  final FileStat stat;
  final Surroundings around;
  final HostAccess host;
  final Anchor anchor;
  final EnduringFile channel;
  private final DeviceIdentity identity;
  private final Consumer<OpenDevice> whenClosed;
  private final Set<Freeze> freezes = ConcurrentHashMap.newKeySet();
  private final PathWatch pathWatch;
  private volatile Geometry geometry;

  OpenDevice(
      Path path,
      FileStat stat,
      Geometry geometry,
      Surroundings around,
      Anchor anchor,
      HostAccess host,
      Consumer<OpenDevice> whenClosed)
      throws IOException {
    this.path = path;
    this.stat = stat;
    this.around = around;
    this.anchor = anchor;
    this.host = host;
    this.whenClosed = whenClosed;
    this.identity = around.identities().of(stat);
    boolean writable = !geometry.readOnly();
    this.channel =
        new EnduringFile(path, () -> openSame(writable), EnduringFile.End.SECTOR, Errno.ESHUTDOWN);
    this.pathWatch = new PathWatch(path, anchor.held());
    this.geometry = geometry.withCapacity(LastSector.wholeBytes(channel.size()));
  }

  private FileChannel openSame(boolean writable) throws IOException {
    FileChannel opened = anchor.held().openChannel(writable);
    try {
      claim(opened, !writable);
      return opened;
    } catch (IOException | RuntimeException refused) {
      opened.close();
      throw refused;
    }
  }

  /** Called with each newly opened channel, before it is used. */
  abstract void claim(FileChannel opened, boolean readOnly) throws IOException;

  @Override
  public final Path path() {
    return path;
  }

  @Override
  public final Geometry geometry() {
    return geometry;
  }

  @Override
  public final DeviceIdentity identity() {
    return identity;
  }

  @Override
  public final boolean refresh() throws IOException {
    pathWatch.look();
    long capacity = LastSector.wholeBytes(channel.size());
    Geometry before = geometry;
    if (capacity == before.capacity()) {
      return false;
    }
    geometry = before.withCapacity(capacity);
    return true;
  }

  @Override
  public final void read(ByteBuffer dst, long offset) throws IOException {
    channel.read(dst, offset);
  }

  @Override
  public final void write(ByteBuffer src, long offset) throws IOException {
    requireWritable();
    channel.write(src, offset);
  }

  @Override
  public final void flush() throws IOException {
    if (!geometry.readOnly()) {
      channel.force();
    }
  }

  @Override
  public final String fingerprint() throws IOException {
    return fingerprintOf(Readings.of(traces())).orElseGet(() -> "unproven " + UUID.randomUUID());
  }

  @Override
  public final void transferTo(long offset, long length, WritableByteChannel target)
      throws IOException {
    channel.transferTo(offset, length, target);
  }

  @Override
  public final void prefetch(long offset, long length) throws IOException {
    HostFile file = host.file();
    if (file == null || length <= 0) {
      return;
    }
    try {
      file.willNeed(offset, length);
    } catch (BlksnapException refused) {
      if (refused.errno() == Errno.EIO) {
        throw refused;
      }
    }
  }

  @Override
  public List<AllocationExtent> allocation(long offset, long length, int limit) throws IOException {
    return length <= 0 || limit <= 0
        ? List.of()
        : List.of(new AllocationExtent(offset, length, false, false));
  }

  @Override
  public final boolean carries(Path directory) {
    return around.topology().carries(stat, directory);
  }

  @Override
  public final List<Path> mountPoints() {
    return around.topology().mountedFrom(stat).stream().map(Mount::point).toList();
  }

  @Override
  public final Thaw freeze(Duration deadline) throws BlksnapException {
    List<Path> points = mountPoints();
    if (points.isEmpty()) {
      return new NothingFrozen();
    }
    HostOperations now = host.operations();
    if (now == null) {
      throw new BlksnapException(
          Errno.ENOSYS,
          points + " cannot be frozen: native access is missing; install the blksnap-ioctl bundle");
    }
    return Freeze.begin(now, ThawWatchdog::start, points, deadline, freezes::add, freezes::remove);
  }

  /** Thaws what is frozen, then lets go of the device. */
  @Override
  public final void close() throws IOException {
    freezes.forEach(Freeze::close);
    try {
      channel.close();
    } finally {
      host.close();
      anchor.close();
      whenClosed.accept(this);
    }
  }

  /** What is to be said of it beyond that it is open. */
  final List<Finding> findings() {
    return DeviceFindings.of(path, pathWatch.now(), anchor.lock(), channel);
  }

  @Override
  public final String toString() {
    return path.toString();
  }

  final void requireWritable() throws BlksnapException {
    if (geometry.readOnly()) {
      throw new BlksnapException(
          Errno.EROFS, "write to " + path + " refused: opened read-only; open it for writing");
    }
  }

  /** Zeroes by writing them, unless that is not wanted. */
  final void fillWithZeroes(long offset, long length, boolean fastOnly) throws IOException {
    if (fastOnly) {
      throw new BlksnapException(
          Errno.EOPNOTSUPP,
          "zeroing " + length + " bytes of " + path + " at " + offset + " would mean writing them");
    }
    ZeroFill.write(channel, offset, length);
  }

  /** Something asked of the host's file. */
  interface HostCall {
    void make() throws BlksnapException;
  }

  /** False where this way is not open, and another may be; then nothing was done. */
  final boolean tried(HostCall call) throws BlksnapException {
    try {
      call.make();
      return true;
    } catch (BlksnapException refused) {
      if (cannot(refused)) {
        return false;
      }
      throw refused;
    }
  }

  /** True where the host's answer means that this way is not open, and another may be. */
  boolean cannot(BlksnapException refused) {
    return switch (refused.errno()) {
      case EOPNOTSUPP, ENOSYS, ENOTTY -> true;
      default -> false;
    };
  }

  /** Of a device nothing is mounted from. */
  private static final class NothingFrozen implements Thaw {
    @Override
    public boolean expired() {
      return false;
    }

    @Override
    public void close() {}
  }
}

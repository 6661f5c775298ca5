// SPDX-License-Identifier: Apache-2.0
package org.blksnap.kernel.internal.memory;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.ByteRange;
import org.blksnap.api.block.Errno;
import org.blksnap.api.snapshot.Version;
import org.blksnap.spi.module.Dialect;
import org.blksnap.spi.module.EventWait;
import org.blksnap.spi.module.KernelModule;
import org.blksnap.spi.module.MemberState;
import org.blksnap.spi.module.ModuleEvent;
import org.blksnap.spi.module.ModuleFeature;
import org.blksnap.spi.module.SnapshotSeed;
import org.blksnap.spi.module.TrackerState;

/** A bridge to a {@link MemoryKernel}: the calls of the interface with the errnos of the module. */
final class MemoryModule implements KernelModule {
  private final MemoryKernel kernel;
  private boolean closed;

  MemoryModule(MemoryKernel kernel) {
    this.kernel = kernel;
    kernel.opened(1);
  }

  private void open() throws BlksnapException {
    if (closed) {
      throw new BlksnapException(Errno.EBADF, "the bridge is closed");
    }
    kernel.fault();
  }

  private static BlksnapException refused(Errno errno, String what) {
    return new BlksnapException(errno, what + " refused");
  }

  @Override
  public Dialect dialect() {
    return Dialect.SEED;
  }

  @Override
  public Set<ModuleFeature> features() {
    return EnumSet.of(
        ModuleFeature.APPEND_STORAGE,
        ModuleFeature.ADD_DEVICE,
        ModuleFeature.ATTACH,
        ModuleFeature.LOW_FREE_SPACE);
  }

  @Override
  public Version version() {
    return Version.INTERFACE;
  }

  @Override
  public String modification() {
    return "";
  }

  @Override
  public UUID create(SnapshotSeed seed) throws BlksnapException {
    synchronized (kernel) {
      open();
      return kernel.newSnapshot().id;
    }
  }

  @Override
  public void destroy(UUID id) throws BlksnapException {
    synchronized (kernel) {
      open();
      kernel.fault("destroy");
      kernel.snapshot(id, Errno.ENODEV).end();
      kernel.snapshots().remove(id);
    }
  }

  @Override
  public void appendStorage(UUID id, Path device, List<ByteRange> ranges) throws BlksnapException {
    synchronized (kernel) {
      open();
      MemorySnapshot snapshot = kernel.snapshot(id, Errno.ESRCH);
      MemoryDisk disk = kernel.disk(device);
      if (ranges.isEmpty()) {
        throw refused(Errno.EINVAL, "no ranges");
      }
      for (ByteRange range : ranges) {
        check(range, disk);
      }
      snapshot.space.append(ranges);
    }
  }

  private static void check(ByteRange range, MemoryDisk disk) throws BlksnapException {
    if (range.length() == 0
        || range.offset() % ByteRange.SECTOR != 0
        || range.length() % ByteRange.SECTOR != 0
        || range.end() > disk.content.length) {
      throw refused(Errno.EINVAL, range.toString());
    }
  }

  @Override
  public void take(UUID id) throws BlksnapException {
    synchronized (kernel) {
      open();
      MemorySnapshot snapshot = kernel.snapshot(id, Errno.ESRCH);
      if (snapshot.taken) {
        throw refused(Errno.EALREADY, "take");
      }
      if (snapshot.members.isEmpty()) {
        throw refused(Errno.ENODEV, "take");
      }
      if (snapshot.space.isEmpty()) {
        throw refused(Errno.EFAULT, "take");
      }
      for (MemoryDisk disk : snapshot.members) {
        disk.map.take(disk.content.length);
        disk.image = new MemoryImage(disk, snapshot);
      }
      snapshot.taken = true;
    }
  }

  @Override
  public List<UUID> collect() throws BlksnapException {
    synchronized (kernel) {
      open();
      return List.copyOf(kernel.snapshots().keySet());
    }
  }

  @Override
  public EventWait events(UUID id) {
    return new Waiting(id);
  }

  /** Of one snapshot. */
  private final class Waiting implements EventWait {
    private final UUID id;
    private boolean ended;

    Waiting(UUID id) {
      this.id = id;
    }

    @Override
    public Optional<ModuleEvent> next(Duration timeout) throws BlksnapException {
      long until = System.nanoTime() + timeout.toNanos();
      synchronized (kernel) {
        open();
        while (true) {
          MemorySnapshot snapshot = kernel.snapshot(id, Errno.ESRCH);
          ModuleEvent event = snapshot.events.poll();
          long left = (until - System.nanoTime()) / 1_000_000;
          if (event != null || ended || closed || left <= 0) {
            return Optional.ofNullable(event);
          }
          try {
            kernel.wait(left);
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw refused(Errno.EINTR, "wait");
          }
        }
      }
    }

    @Override
    public void close() {
      synchronized (kernel) {
        ended = true;
        kernel.notifyAll();
      }
    }
  }

  @Override
  public void attach(Path device) throws BlksnapException {
    synchronized (kernel) {
      open();
      MemoryDisk disk = kernel.disk(device);
      if (disk.map != null) {
        throw refused(Errno.EALREADY, "attach");
      }
      disk.map = new MemoryMap(disk.content.length);
    }
  }

  @Override
  public void detach(Path device) throws BlksnapException {
    synchronized (kernel) {
      open();
      MemoryDisk disk = attached(device);
      if (disk.member != null) {
        throw refused(Errno.EBUSY, "detach");
      }
      disk.map = null;
    }
  }

  private MemoryDisk attached(Path device) throws BlksnapException {
    MemoryDisk disk = kernel.disk(device);
    if (disk.map == null) {
      throw refused(Errno.ENOENT, device + " has no filter: it");
    }
    return disk;
  }

  @Override
  public void addDevice(UUID id, Path device) throws BlksnapException {
    synchronized (kernel) {
      open();
      MemoryDisk disk = attached(device);
      MemorySnapshot snapshot = kernel.snapshot(id, Errno.ESRCH);
      if (disk.member != null) {
        throw refused(disk.member == snapshot ? Errno.EALREADY : Errno.EBUSY, "add");
      }
      if (snapshot.taken) {
        throw refused(Errno.EBUSY, "add");
      }
      disk.member = snapshot;
      snapshot.members.add(disk);
    }
  }

  @Override
  public MemberState member(Path device) throws BlksnapException {
    synchronized (kernel) {
      open();
      kernel.fault("member");
      MemoryImage image = attached(device).image;
      return image == null
          ? new MemberState(Errno.OK, 0, "")
          : new MemberState(image.error, image.error.code(), image.name);
    }
  }

  @Override
  public TrackerState tracker(Path device) throws BlksnapException {
    synchronized (kernel) {
      open();
      return attached(device).map.state();
    }
  }

  @Override
  public int readMap(Path device, long index, ByteBuffer dst) throws BlksnapException {
    synchronized (kernel) {
      open();
      byte[] bytes = attached(device).map.readable();
      if (index < 0 || index > bytes.length) {
        throw refused(Errno.EINVAL, "offset " + index);
      }
      int length = (int) Math.min(dst.remaining(), bytes.length - index);
      dst.put(bytes, (int) index, length);
      return length;
    }
  }

  @Override
  public void markDirty(Path device, List<ByteRange> ranges) throws BlksnapException {
    synchronized (kernel) {
      open();
      MemoryDisk disk = attached(device);
      for (ByteRange range : ranges) {
        check(range, disk);
      }
      ranges.forEach(range -> disk.map.markBoth(range.offset(), range.length()));
    }
  }

  @Override
  public Map<String, Long> parameters() throws BlksnapException {
    synchronized (kernel) {
      open();
      return new TreeMap<>(kernel.parameters());
    }
  }

  @Override
  public void setParameter(String name, long value) throws BlksnapException {
    synchronized (kernel) {
      open();
      if (!kernel.parameters().containsKey(name)) {
        throw refused(Errno.ENOENT, name);
      }
      kernel.parameters().put(name, value);
    }
  }

  @Override
  public Path imageNode(String image) {
    return Path.of("/memory").resolve(image);
  }

  @Override
  public void close() {
    synchronized (kernel) {
      kernel.opened(closed ? 0 : -1);
      closed = true;
      kernel.notifyAll();
    }
  }
}

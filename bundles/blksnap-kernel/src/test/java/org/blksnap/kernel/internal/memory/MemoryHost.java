// SPDX-License-Identifier: Apache-2.0
package org.blksnap.kernel.internal.memory;

import java.io.IOException;
import java.lang.reflect.Proxy;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.ByteRange;
import org.blksnap.api.block.Errno;
import org.blksnap.api.block.Geometry;
import org.blksnap.kernel.internal.host.Disk;
import org.blksnap.kernel.internal.host.Disks;
import org.blksnap.spi.device.DeviceProvider;
import org.blksnap.spi.device.OpenRequest;
import org.blksnap.spi.device.RawDevice;
import org.blksnap.spi.host.HostFile;
import org.blksnap.spi.host.HostOperations;

/**
 * The host around a {@link MemoryKernel}: names of its disks, how they are opened, and one disk
 * that all file systems stand on, whose blocks are given out in turn.
 */
public final class MemoryHost implements Disks, DeviceProvider, HostOperations {
  private final MemoryKernel kernel;
  private final MemoryDisk beneath;
  private final Set<Path> immutable = ConcurrentHashMap.newKeySet();
  private long nextBlock;

  /** Free bytes of the file system; what is beyond is ENOSPC. */
  public volatile long room = Long.MAX_VALUE;

  /** Its type, as the mount table has it. */
  public volatile String fileSystem = "ext4";

  public MemoryHost(MemoryKernel kernel, MemoryDisk beneath) {
    this.kernel = kernel;
    this.beneath = beneath;
  }

  /** Somebody else has a lock of these. */
  public final Set<Path> locked = ConcurrentHashMap.newKeySet();

  /** Block devices that are mounted, or open with O_EXCL. */
  public final Set<Path> exclusive = ConcurrentHashMap.newKeySet();

  /** What is open by a descriptor, once for each. */
  public final Collection<Path> open = new ConcurrentLinkedQueue<>();

  /** Nodes that lead to another device by now. */
  public final Set<Path> strayed = ConcurrentHashMap.newKeySet();

  /** No file becomes immutable, and none ordinary. */
  public volatile boolean stuck;

  private final Map<String, String> wholes = new ConcurrentHashMap<>();

  /** Files whose blocks are lent. */
  public Set<Path> immutable() {
    return immutable;
  }

  @Override
  public Disk find(Path asked) throws BlksnapException {
    Optional<MemoryDisk> found =
        kernel.findDisk(asked).or(() -> kernel.findDisk(asked.getFileName().toString()));
    if (found.isEmpty()) {
      throw new BlksnapException(
          Files.exists(asked) ? Errno.ENODEV : Errno.ENOENT, asked + " refused");
    }
    return disk(found.get());
  }

  private static Disk disk(MemoryDisk disk) {
    return new Disk(disk.path, disk.major, disk.minor);
  }

  @Override
  public boolean isFile(Path path) {
    return Files.isRegularFile(path) && kernel.findDisk(path).isEmpty();
  }

  @Override
  public Optional<String> medium(Disk disk) {
    return kernel.findDisk(disk.number()).map(found -> found.medium);
  }

  @Override
  public boolean onOneDisk(Disk one, Disk other) {
    return one.is(other);
  }

  @Override
  public void check(Disk disk) throws BlksnapException {
    if (strayed.contains(disk.node())) {
      throw new BlksnapException(Errno.ENODEV, disk.node() + " leads to another device");
    }
  }

  @Override
  public Optional<String> sight(Path node) {
    return sightNamed(node.getFileName().toString());
  }

  @Override
  public Optional<String> sightNamed(String name) {
    return kernel.findImage(Path.of(name)).map(image -> "disk " + image.sequence);
  }

  @Override
  public boolean overlap(String one, String other) {
    return one.equals(other)
        || wholes.getOrDefault(one, "").equals(other)
        || wholes.getOrDefault(other, "").equals(one);
  }

  /** The one is a partition of the other. */
  public void partition(MemoryDisk part, MemoryDisk whole) {
    wholes.put(part.number(), whole.number());
  }

  @Override
  public Ground ground(Path place) {
    return new Ground(fileSystem, place.getRoot(), "rw", Optional.of(disk(beneath)));
  }

  @Override
  public RawDevice open(OpenRequest request) throws BlksnapException {
    if (!request.force() && exclusive.contains(request.path())) {
      throw new BlksnapException(Errno.EBUSY, request.path() + ": held exclusively");
    }
    Optional<MemoryImage> image = kernel.findImage(request.path());
    return image.isPresent()
        ? MemoryRaw.of(kernel, image.get(), request.path())
        : MemoryRaw.of(kernel, kernel.disk(request.path()), request.readOnly());
  }

  @Override
  public Geometry geometry(Path path) throws BlksnapException {
    synchronized (kernel) {
      if (Files.isRegularFile(path) && kernel.findDisk(path).isEmpty()) {
        return new Geometry(path.toFile().length() / 512 * 512, 512, 512, 512, false, false);
      }
      return kernel.disk(path).geometry();
    }
  }

  /** Answers nothing but what a lent file is asked. */
  @Override
  public HostFile open(Path path, boolean writable, boolean exclusive) throws BlksnapException {
    if (!Files.exists(path)) {
      throw new BlksnapException(Errno.ENOENT, path + ": no such file");
    }
    if (writable && immutable.contains(path)) {
      throw new BlksnapException(Errno.EPERM, path + ": open");
    }
    if (exclusive && !this.exclusive.add(path)) {
      throw new BlksnapException(Errno.EBUSY, path + ": open exclusively");
    }
    open.add(path);
    return (HostFile)
        Proxy.newProxyInstance(
            HostFile.class.getClassLoader(),
            new Class<?>[] {HostFile.class},
            (proxy, method, arguments) ->
                switch (method.getName()) {
                  case "allocate" -> allocate((long) arguments[1]);
                  case "extents" -> List.of(extent((long) arguments[1]));
                  case "setImmutable" -> immutable(path, (boolean) arguments[0]);
                  case "lock", "lockable", "lockWhole" -> !locked.contains(path);
                  case "close" -> {
                    open.remove(path);
                    if (exclusive) {
                      this.exclusive.remove(path);
                    }
                    yield null;
                  }
                  default -> throw new UnsupportedOperationException(method.getName());
                });
  }

  private Object immutable(Path path, boolean value) throws BlksnapException {
    if (stuck) {
      throw new BlksnapException(Errno.EROFS, path + ": its flags are not changed");
    }
    return value ? immutable.add(path) : immutable.remove(path);
  }

  private synchronized Object allocate(long length) throws BlksnapException {
    if (length > room) {
      throw new BlksnapException(Errno.ENOSPC, length + " bytes: no space");
    }
    room -= length;
    return null;
  }

  private synchronized ByteRange extent(long length) {
    long begin = nextBlock;
    nextBlock += length;
    return new ByteRange(begin, length);
  }

  @Override
  public void freeze(Path mountPoint) {
    throw new UnsupportedOperationException();
  }

  @Override
  public void thaw(Path mountPoint) {
    throw new UnsupportedOperationException();
  }

  @Override
  public void lockMemory(ByteBuffer direct) {
    throw new UnsupportedOperationException();
  }

  /** Removes what a test made. */
  public static void remove(Path directory) throws IOException {
    org.blksnap.enginebase.record.StateDirectory.removeTree(directory);
  }
}

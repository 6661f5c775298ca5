// SPDX-License-Identifier: Apache-2.0
package org.blksnap.kernel.internal.snapshot;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.function.Supplier;
import org.blksnap.api.block.AllocationExtent;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.block.Geometry;
import org.blksnap.api.block.IoFlags;
import org.blksnap.api.change.ChangeMap;
import org.blksnap.api.snapshot.SnapshotImage;
import org.blksnap.kernel.internal.host.LentDevice;
import org.blksnap.spi.device.DeviceProvider;

/**
 * An image: the block device that the kernel shows it as. A corrupted one is noticed by what the
 * kernel answers, and by its event; from then on every request is EIO here too, whatever is still
 * in a cache.
 */
final class ImageDevice implements SnapshotImage {
  /** What is known of an image's error, and who asks the kernel. */
  interface Health {
    /** The first error known; {@link Errno#OK} for none. Asks nobody. */
    Errno known();

    /** Why, for a person. */
    String detail();

    /** Asks the kernel, and answers as {@link #known}. */
    Errno look();
  }

  private static final IoFlags OF_A_WRITE = IoFlags.FUA.with(IoFlags.NO_WAIT);
  private static final IoFlags OF_ZEROES = OF_A_WRITE.with(IoFlags.NO_HOLE).with(IoFlags.FAST_ZERO);

  private final String name;
  private final UUID snapshot;
  private final String device;
  private final Geometry geometry;
  private final ChangeMap changes;
  private final Health health;
  private final LentDevice read;

  /** Opened for the first change: who closes a device opened for writing has udev look at it. */
  private final LentDevice written;

  private volatile boolean changed;
  private volatile boolean destroyed;

  ImageDevice(
      String name,
      Path node,
      UUID snapshot,
      String device,
      Geometry geometry,
      ChangeMap changes,
      Health health,
      Supplier<DeviceProvider> providers,
      LentDevice.Sight sight) {
    this.name = name;
    this.snapshot = snapshot;
    this.device = device;
    this.geometry = geometry;
    this.changes = changes;
    this.health = health;
    this.read = new LentDevice(node, true, providers, sight);
    this.written = new LentDevice(node, false, providers, sight);
  }

  /**
   * Before the kernel takes it away: who asks from now on is told so. False: it has not taken it.
   */
  void destroyed(boolean value) {
    destroyed = value;
  }

  /** The kernel has taken it away, or the engine leaves it. */
  void end() {
    read.end(goneWords());
    written.end(goneWords());
  }

  void tick() {
    read.tick();
    written.tick();
  }

  private String goneWords() {
    return "image "
        + name
        + " is gone: snapshot "
        + snapshot
        + " was destroyed, or its engine has"
        + " stopped";
  }

  private <T> T use(LentDevice.Use<T> use) throws IOException {
    return use(read, use);
  }

  private void change(LentDevice.Use<Void> use) throws IOException {
    changed = true;
    use(written, use);
  }

  private <T> T use(LentDevice how, LentDevice.Use<T> use) throws IOException {
    List<T> answer = new ArrayList<>(1);
    usable(() -> answer.add(how.use(use)));
    return answer.get(0);
  }

  /** Something done with the image. */
  private interface Work {
    void run() throws IOException;
  }

  private void usable(Work work) throws IOException {
    checkUsable(health.known(), null);
    try {
      work.run();
      checkUsable(health.known(), null);
    } catch (IOException e) {
      checkUsable(health.look(), e);
      throw e;
    }
  }

  private void checkUsable(Errno error, Throwable cause) throws BlksnapException {
    if (destroyed) {
      throw new BlksnapException(Errno.ESTALE, goneWords(), cause);
    }
    if (error != Errno.OK) {
      throw new BlksnapException(
          Errno.EIO, "image " + name + " is lost: " + health.detail() + " [" + error + "]", cause);
    }
  }

  @Override
  public void read(ByteBuffer dst, long offset) throws IOException {
    checkInside(offset, dst.remaining(), Errno.EINVAL);
    usable(() -> read.read(dst, offset));
  }

  @Override
  public void transferTo(long offset, long length, WritableByteChannel target) throws IOException {
    checkInside(offset, length, Errno.EINVAL);
    usable(() -> read.transferTo(offset, length, target));
  }

  @Override
  public void prefetch(long offset, long length) throws IOException {
    checkInside(offset, length, Errno.EINVAL);
    use(
        image -> {
          image.prefetch(offset, length);
          return null;
        });
  }

  @Override
  public List<AllocationExtent> allocation(long offset, long length, int limit) throws IOException {
    checkInside(offset, length, Errno.EINVAL);
    return use(image -> image.allocation(offset, length, limit));
  }

  @Override
  public void write(ByteBuffer src, long offset, IoFlags flags) throws IOException {
    checkChange(offset, src.remaining(), flags, OF_A_WRITE);
    if (!src.hasRemaining()) {
      return;
    }
    changed = true;
    usable(() -> written.write(src, offset));
    flushIf(flags);
  }

  /** The kernel's images have no discard: what a discarded range reads as is left to us. */
  @Override
  public void discard(long offset, long length, IoFlags flags) throws IOException {
    checkChange(offset, length, flags, OF_A_WRITE);
    flushIf(flags);
  }

  @Override
  public void writeZeroes(long offset, long length, IoFlags flags) throws IOException {
    checkChange(offset, length, flags, OF_ZEROES);
    if (flags.has(IoFlags.FAST_ZERO)) {
      throw new BlksnapException(
          Errno.EOPNOTSUPP, "image " + name + ": zeroes are written like data, so not fast");
    }
    if (length > 0) {
      change(
          image -> {
            image.writeZeroes(offset, length, true, false);
            return null;
          });
    }
    flushIf(flags);
  }

  private void flushIf(IoFlags flags) throws IOException {
    if (flags.has(IoFlags.FUA)) {
      flush();
    }
  }

  @Override
  public void flush() throws IOException {
    if (!changed) {
      checkUsable(health.known(), null);
      return;
    }
    change(
        image -> {
          image.flush();
          return null;
        });
  }

  private void checkChange(long offset, long length, IoFlags flags, IoFlags allowed)
      throws BlksnapException {
    if (!flags.within(allowed)) {
      throw new BlksnapException(
          Errno.EINVAL, "image " + name + ": flags " + flags + " refused, allowed are " + allowed);
    }
    checkInside(offset, length, Errno.ENOSPC);
    if (flags.has(IoFlags.NO_WAIT)) {
      throw new BlksnapException(
          Errno.EAGAIN,
          "image " + name + ": a write may have to copy first; repeat it without NO_WAIT");
    }
    checkUsable(health.known(), null);
  }

  private void checkInside(long offset, long length, Errno error) throws BlksnapException {
    long capacity = geometry.capacity();
    if (offset < 0 || length < 0 || offset > capacity - length) {
      throw new BlksnapException(
          error,
          "image "
              + name
              + ": offset "
              + offset
              + " length "
              + length
              + " is not inside its "
              + capacity
              + " bytes");
    }
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
  public UUID snapshot() {
    return snapshot;
  }

  @Override
  public String device() {
    return device;
  }

  @Override
  public Errno error() {
    return health.known();
  }

  @Override
  public ChangeMap changes() {
    return changes;
  }
}

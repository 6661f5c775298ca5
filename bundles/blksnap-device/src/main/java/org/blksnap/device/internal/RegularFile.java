// SPDX-License-Identifier: Apache-2.0
package org.blksnap.device.internal;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import org.blksnap.api.block.AllocationExtent;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.block.Geometry;
import org.blksnap.linux.file.LastSector;
import org.blksnap.spi.device.Trace;
import org.blksnap.spi.host.FileClaim;
import org.blksnap.spi.host.HostFile;

/**
 * A file as a device.
 *
 * <p>Its locks are the {@link Anchor}'s. Without a host a file opened for writing holds one
 * advisory lock by its channel, on the byte by which engines know each other. The system drops such
 * a lock when this process closes any other descriptor of the file: a second writer is therefore
 * refused before it opens the file. Between engines of one process the lock holds regardless.
 */
final class RegularFile extends OpenDevice {
  /** How often, and after which pauses, a lock lost to an interrupt is asked for again. */
  private static final int RECLAIM_TRIES = 20;

  private static final long RECLAIM_PAUSE_NANOS = 1_000_000;

  /**
   * Claims come one after another: at the opening, then under the lock of the channel's
   * replacement.
   */
  private volatile boolean claimed;

  RegularFile(
      Path path,
      FileStat stat,
      Geometry geometry,
      Surroundings around,
      Anchor anchor,
      HostAccess host,
      Consumer<OpenDevice> whenClosed)
      throws IOException {
    super(path, stat, geometry, around, anchor, host, whenClosed);
  }

  /**
   * Without a host. The first claim refuses a file that is locked already. A later one comes after
   * an interrupt closed the channel the lock was taken through; what overlaps then is that
   * channel's own lock on its way out, which must not fail a request.
   */
  @Override
  void claim(FileChannel opened, boolean readOnly) throws IOException {
    if (readOnly || anchor.lock() != Anchor.Lock.NO_HOST) {
      return;
    }
    for (int tries = 1; ; tries++) {
      try {
        if (opened.tryLock(FileClaim.DEVICE_MARK, 1, false) == null) {
          throw attachedElsewhere(path, "by another process");
        }
        claimed = true;
        return;
      } catch (OverlappingFileLockException here) {
        if (!claimed) {
          throw attachedElsewhere(path, "by this process");
        }
        if (tries == RECLAIM_TRIES) {
          return;
        }
        LockSupport.parkNanos(RECLAIM_PAUSE_NANOS);
      }
    }
  }

  static BlksnapException attachedElsewhere(Path path, String by) {
    return new BlksnapException(
        Errno.EBUSY,
        path + " refused: it is attached for writing already " + by + "; detach it there");
  }

  @Override
  public List<Trace> traces() {
    return List.of(new Trace(Trace.Kind.STAT, path));
  }

  @Override
  public Optional<String> fingerprintOf(Map<Trace, String> readings) {
    return FileStat.ofReading(
            readings.getOrDefault(new Trace(Trace.Kind.STAT, path), Trace.NOTHING))
        .filter(FileStat::stamped)
        .filter(stat -> around.topology().stampsTellAll(path))
        .map(RegularFile::fingerprint);
  }

  @Override
  public Duration stampGranule() throws IOException {
    return FileStat.of(path).granule();
  }

  static String fingerprint(FileStat now) {
    return now.size()
        + " "
        + now.modifiedNs()
        + " "
        + now.changedNs()
        + " "
        + now.dev()
        + ":"
        + now.ino();
  }

  @Override
  public void discard(long offset, long length) throws IOException {
    requireWritable();
    if (length > 0) {
      host.use(file -> file != null && tried(() -> file.punchHole(offset, length)));
    }
  }

  @Override
  public void writeZeroes(long offset, long length, boolean keepAllocated, boolean fastOnly)
      throws IOException {
    requireWritable();
    if (length <= 0) {
      return;
    }
    if (!host.use(file -> file != null && zero(file, offset, length, keepAllocated))) {
      fillWithZeroes(offset, length, fastOnly);
    }
  }

  private boolean zero(HostFile file, long offset, long length, boolean keepAllocated)
      throws BlksnapException {
    return keepAllocated
        ? zeroAllocated(file, offset, length)
        : tried(() -> file.punchHole(offset, length))
            || tried(() -> file.zeroRange(offset, length));
  }

  private boolean zeroAllocated(HostFile file, long offset, long length) throws BlksnapException {
    if (tried(() -> file.zeroRange(offset, length))) {
      return true;
    }
    if (!tried(() -> file.punchHole(offset, length))) {
      return false;
    }
    file.allocate(offset, length);
    return true;
  }

  @Override
  public List<AllocationExtent> allocation(long offset, long length, int limit) throws IOException {
    List<AllocationExtent> known =
        length <= 0 || limit <= 0
            ? null
            : host.use(file -> file == null ? null : extents(file, offset, length, limit));
    return known == null || cutOff(offset + length)
        ? super.allocation(offset, length, limit)
        : known;
  }

  /**
   * The file does not reach as far any more: behind its end there is no data, which is not to say
   * that what was there is zero. Looked at last, so that a cut before or during the look is seen.
   */
  private boolean cutOff(long end) throws IOException {
    return end > LastSector.wholeBytes(channel.size());
  }

  /** Null where the file system does not tell. */
  private List<AllocationExtent> extents(HostFile file, long offset, long length, int limit)
      throws BlksnapException {
    List<AllocationExtent> extents = new ArrayList<>();
    long end = offset + length;
    long at = offset;
    try {
      while (at < end && extents.size() < limit) {
        long data = file.seekData(at);
        boolean hole = data != at;
        long next = hole ? data : file.seekHole(at);
        long whole = hole ? next : LastSector.wholeBytes(next);
        long stop = next <= at || whole > end ? end : whole;
        extents.add(new AllocationExtent(at, stop - at, hole, hole));
        at = stop;
      }
    } catch (BlksnapException refused) {
      if (!cannot(refused) && refused.errno() != Errno.EINVAL) {
        throw refused;
      }
      return null;
    }
    return extents;
  }
}

// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal.data;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import org.blksnap.api.block.AllocationExtent;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.block.Geometry;
import org.blksnap.api.block.IoFlags;
import org.blksnap.api.change.CbtInfo;
import org.blksnap.api.change.ChangeMap;
import org.blksnap.api.snapshot.SnapshotImage;
import org.blksnap.enginebase.change.ImageChanges;
import org.blksnap.spi.chunk.DiffArea;
import org.blksnap.spi.tracker.Tracker;

/**
 * A device as it was at the take. Every request holds the shared side of the live device's gate, so
 * the area and the live device behind it cannot be swapped under it; writers of the live device are
 * not locked out (the area sorts that out).
 *
 * <p>Writes enter as changes do. Reads and queries enter by the way that neither a take nor a
 * destruction waits for, so a slow reader holds up no live request. In turn a destruction may let
 * the device go while they are inside, and from then on live writes preserve nothing. That is right
 * because
 *
 * <ol>
 *   <li>{@link #destroyed} is raised before the device is let go. A read looks at it after it has
 *       its data: still false means that all it read was preserved; true means ESTALE, whatever was
 *       read.
 *   <li>Each read is counted at {@link #readers}, a gate of this image alone. A destruction closes
 *       that gate before the area's files go, for a bounded time; where a read is still inside
 *       then, the files are left mapped and only unlinked ({@link #retire}).
 * </ol>
 */
public final class ImageView implements SnapshotImage {
  private final UUID snapshot;
  private final FilteredDevice device;
  private final HeldArea held;
  private final StorageRoom storage;
  private final ImageChanges changes;
  private final Gate readers;
  private volatile boolean destroyed;

  public ImageView(
      UUID snapshot, FilteredDevice device, HeldArea held, StorageRoom storage, CbtInfo taken) {
    this.snapshot = snapshot;
    this.device = device;
    this.held = held;
    this.storage = storage;
    this.changes =
        new ImageChanges(held.image(), held.geometry().capacity(), device.changes(), taken);
    this.readers = new Gate("image " + held.image());
  }

  public FilteredDevice liveDevice() {
    return device;
  }

  public HeldArea held() {
    return held;
  }

  public void destroyed() {
    destroyed = true;
  }

  /** After the device was let go: the area and its files go, once no read is inside. */
  public void retire(Duration bound) {
    DiffArea area = held.area();
    boolean quiet = true;
    try {
      readers.close(bound);
    } catch (BlksnapException e) {
      quiet = false;
    }
    if (area == null) {
      return;
    }
    if (quiet) {
      area.delete();
    } else {
      area.close();
    }
  }

  private int enter() throws BlksnapException {
    int ticket = device.gateOfRequests().enter(false);
    if (destroyed) {
      device.gateOfRequests().exit(ticket);
      throw gone(null);
    }
    return ticket;
  }

  private BlksnapException gone(Throwable cause) {
    return new BlksnapException(
        Errno.ESTALE,
        "image " + held.image() + " is gone: snapshot " + snapshot + " was destroyed",
        cause);
  }

  private void exit(int ticket) {
    device.gateOfRequests().exit(ticket);
  }

  /** Something that reads the image and changes nothing. */
  private interface Reading<T> {
    T of(DiffArea area) throws IOException;
  }

  private <T> T reading(Reading<T> reading) throws IOException {
    int ticket = device.gateOfRequests().enterSteady();
    try {
      int reader = enterReaders();
      try {
        T answer = reading.of(held.usable());
        if (destroyed) {
          throw gone(null);
        }
        return answer;
      } catch (IOException | RuntimeException | Error e) {
        if (destroyed) {
          throw gone(e);
        }
        throw e;
      } finally {
        readers.exit(reader);
      }
    } finally {
      device.gateOfRequests().exit(ticket);
    }
  }

  /** Closed for ever once the image is being destroyed. */
  private int enterReaders() throws BlksnapException {
    if (destroyed) {
      throw gone(null);
    }
    try {
      return readers.enter(true);
    } catch (BlksnapException e) {
      throw gone(e);
    }
  }

  @Override
  public void read(ByteBuffer dst, long offset) throws IOException {
    checkInside(offset, dst.remaining(), Errno.EINVAL);
    reading(
        area -> {
          area.read(dst, offset);
          return null;
        });
  }

  @Override
  public void transferTo(long offset, long length, WritableByteChannel target) throws IOException {
    checkInside(offset, length, Errno.EINVAL);
    reading(
        area -> {
          area.transferTo(offset, length, target);
          return null;
        });
  }

  @Override
  public void write(ByteBuffer src, long offset, IoFlags flags) throws IOException {
    int length = src.remaining();
    checkFlags(flags, RequestRefusals.OF_A_WRITE);
    checkInside(offset, length, Errno.ENOSPC);
    if (length == 0) {
      return;
    }
    refuseNoWait(flags);
    int begin = src.position();
    change(
        offset,
        length,
        area -> {
          src.position(begin);
          area.write(src, offset);
        });
    forceIf(flags);
  }

  /** One change of the area, which may have to be made again from its beginning. */
  private interface Change {
    void make(DiffArea area) throws IOException;
  }

  /** Who is sent away out of a wait for the storage leaves the gate and comes again. */
  private void change(long offset, long length, Change change) throws IOException {
    long deadline = 0;
    while (true) {
      int ticket = enter();
      try {
        DiffArea area = held.usable();
        markBoth(offset, length);
        change.make(area);
        return;
      } catch (BlksnapException e) {
        if (e.errno() != Errno.EAGAIN) {
          throw e;
        }
      } finally {
        exit(ticket);
      }
      deadline = deadline == 0 ? Gate.comeAgainUntil() : deadline;
      device.gateOfRequests().beforeComingAgain(deadline, System.nanoTime());
    }
  }

  @Override
  public void discard(long offset, long length, IoFlags flags) throws IOException {
    checkFlags(flags, RequestRefusals.OF_A_WRITE);
    writeZeroes(offset, length, flags);
  }

  @Override
  public void writeZeroes(long offset, long length, IoFlags flags) throws IOException {
    checkFlags(flags, RequestRefusals.OF_ZEROES);
    checkInside(offset, length, Errno.ENOSPC);
    refuseNoWait(flags);
    if (flags.has(IoFlags.FAST_ZERO)) {
      throw new BlksnapException(
          Errno.EOPNOTSUPP,
          "image " + held.image() + ": zeroes are written like data, so not fast");
    }
    for (long done = 0; done < length; done += FilteredDevice.PIECE) {
      long piece = Math.min(FilteredDevice.PIECE, length - done);
      long from = offset + done;
      change(from, piece, area -> area.writeZeroes(from, piece));
    }
    forceIf(flags);
  }

  private void markBoth(long offset, long length) {
    Tracker tracker = device.tracker();
    long end = Math.min(offset + length, device.capacity());
    if (tracker != null && offset < end) {
      tracker.markBoth(offset, end - offset);
    }
  }

  private void forceIf(IoFlags flags) throws IOException {
    if (flags.has(IoFlags.FUA)) {
      force();
    }
  }

  /**
   * Outside the gate: it may take long, and takes and swaps must not wait for it. A swap meanwhile
   * settles the area itself.
   */
  private void force() throws IOException {
    usableNow().settle();
    usableNow();
    storage.flush();
  }

  private DiffArea usableNow() throws IOException {
    return reading(area -> area);
  }

  /** An image write may have to load a chunk first; that is a wait. */
  private void refuseNoWait(IoFlags flags) throws BlksnapException {
    if (flags.has(IoFlags.NO_WAIT)) {
      throw new BlksnapException(
          Errno.EAGAIN,
          "image " + held.image() + ": a write may have to copy first; repeat it without NO_WAIT");
    }
  }

  @Override
  public void flush() throws IOException {
    force();
  }

  @Override
  public List<AllocationExtent> allocation(long offset, long length, int limit) throws IOException {
    checkInside(offset, length, Errno.EINVAL);
    return reading(area -> ImageAllocation.of(area, device, offset, length, limit));
  }

  private void checkFlags(IoFlags flags, IoFlags allowed) throws BlksnapException {
    if (!flags.within(allowed)) {
      throw RequestRefusals.flags("image " + held.image(), flags, allowed);
    }
  }

  private void checkInside(long offset, long length, Errno error) throws BlksnapException {
    long capacity = held.geometry().capacity();
    if (RequestRefusals.outside(offset, length, capacity)) {
      throw RequestRefusals.notInside(error, "image " + held.image(), offset, length, capacity);
    }
  }

  @Override
  public String name() {
    return held.image();
  }

  @Override
  public Geometry geometry() {
    return held.geometry();
  }

  @Override
  public UUID snapshot() {
    return snapshot;
  }

  @Override
  public String device() {
    return device.name();
  }

  @Override
  public Errno error() {
    return held.error();
  }

  @Override
  public ChangeMap changes() {
    return changes;
  }

  StorageRoom storage() {
    return storage;
  }
}

// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import org.blksnap.api.block.AllocationExtent;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.block.Geometry;
import org.blksnap.api.block.IoFlags;
import org.blksnap.api.change.CbtInfo;
import org.blksnap.api.change.ChangeMap;
import org.blksnap.api.snapshot.AttachRequest;
import org.blksnap.api.snapshot.AttachedDevice;
import org.blksnap.api.snapshot.GateStatistics;
import org.blksnap.spi.chunk.LiveReader;
import org.blksnap.spi.device.DeviceIdentity;
import org.blksnap.spi.device.RawDevice;
import org.blksnap.spi.tracker.Tracker;

/**
 * A live device with the filter on it. This class alone knows the order of a write: mark, preserve,
 * write.
 *
 * <ol>
 *   <li>{@code tracker.mark}: before the data moves, so that a write that is lost only
 *       over-reports;
 *   <li>{@code held.preserve}: returns when the old content of all it touches can be read
 *       elsewhere;
 *   <li>{@code raw.write}.
 * </ol>
 *
 * <p>Every request holds the shared side of {@link #gate}; a read or a flush in the way that no
 * take waits for. The four rooms behind it (raw device, tracker, held area, geometry) are changed
 * under its exclusive side alone, so a request sees one consistent set from its first step to its
 * last.
 */
final class FilteredDevice implements AttachedDevice {
  /**
   * Longest piece of a discard or write-zeroes that goes through the gate at once, so that a take
   * never waits for a giant one.
   */
  static final long PIECE = 64L << 20;

  private final String name;
  private final AttachRequest request;
  private final DeviceIdentity identity;
  private final int minor;
  private final Gate gate;
  private final TrackedChanges changes;
  private final Keeper keeper;
  private final long patienceNanos;

  private volatile RawDevice raw;
  private volatile Geometry geometry;
  private volatile Tracker tracker;
  private volatile HeldArea held;
  private volatile UUID snapshot;
  private volatile String condition = "ok";
  private volatile boolean ended;

  /** What a device cannot do alone: whoever changes it, under a lock of its own. */
  interface Keeper {
    /** Looks at the capacity again; true where it was changed. */
    boolean rescan(FilteredDevice device) throws IOException;

    /** As {@link AttachedDevice#restartChanges}. */
    CbtInfo restartChanges(FilteredDevice device) throws BlksnapException;
  }

  FilteredDevice(String name, AttachRequest request, RawDevice raw, int minor, Keeper keeper) {
    this(name, request, raw, minor, keeper, Gate.REQUEST_WAIT);
  }

  /** {@code patience}: how long a write comes again before the image in its way is given up. */
  FilteredDevice(
      String name,
      AttachRequest request,
      RawDevice raw,
      int minor,
      Keeper keeper,
      Duration patience) {
    this.name = name;
    this.request = request;
    this.identity = raw.identity();
    this.minor = identity.blockDevice() ? identity.minor() : minor;
    this.gate = new Gate("device " + name, this::sendAwayWhoWait);
    this.changes = new TrackedChanges(this);
    this.keeper = keeper;
    this.patienceNanos = patience.toNanos();
    this.raw = raw;
    this.geometry = raw.geometry();
  }

  Gate gateOfRequests() {
    return gate;
  }

  RawDevice raw() {
    return raw;
  }

  Tracker tracker() {
    return tracker;
  }

  HeldArea held() {
    return held;
  }

  DeviceIdentity deviceIdentity() {
    return identity;
  }

  /** Under the gate's exclusive side, or before the first request. */
  void installRaw(RawDevice newRaw) {
    raw = newRaw;
    if (newRaw != null) {
      geometry = newRaw.geometry();
    }
  }

  /** Under the gate's exclusive side, or before the first request. */
  void installTracker(Tracker newTracker) {
    tracker = newTracker;
  }

  /** Under the gate's exclusive side: from now on writes preserve into it. Null ends that. */
  void hold(HeldArea area) {
    held = area;
  }

  void belongTo(UUID newSnapshot) {
    snapshot = newSnapshot;
  }

  /** No I/O ever again through this object: detached, or the engine is stopped. */
  void end(String why) {
    condition = why;
    ended = true;
  }

  void say(String newCondition) {
    condition = newCondition;
  }

  /** The live content, beneath the filter; whoever uses it is inside the gate already. */
  LiveReader beneath() {
    return new LiveReader() {
      @Override
      public void read(ByteBuffer dst, long offset) throws IOException {
        present().read(dst, offset);
      }

      @Override
      public boolean hole(long offset, long length) throws IOException {
        List<AllocationExtent> first = present().allocation(offset, length, 1);
        return !first.isEmpty() && first.get(0).zero() && first.get(0).length() >= length;
      }
    };
  }

  /** The raw device; the caller is inside the gate. EIO or ESHUTDOWN where it is away. */
  RawDevice present() throws BlksnapException {
    RawDevice now = raw;
    if (now == null) {
      throw new BlksnapException(
          ended ? Errno.ESHUTDOWN : Errno.EIO,
          "device "
              + name
              + ": "
              + condition
              + (ended ? "" : "; its I/O fails until the device bundle is back"));
    }
    return now;
  }

  @Override
  public void read(ByteBuffer dst, long offset) throws IOException {
    checkInside(offset, dst.remaining(), Errno.EINVAL);
    int ticket = gate.enterSteady();
    try {
      present().read(dst, offset);
    } finally {
      gate.exit(ticket);
    }
  }

  @Override
  public void write(ByteBuffer src, long offset, int flags) throws IOException {
    int length = src.remaining();
    checkWrite(offset, length, flags, IoFlags.FUA | IoFlags.NO_WAIT);
    if (length == 0) {
      return;
    }
    int ticket = enterPrepared(offset, length, flags);
    try {
      present().write(src, offset);
    } finally {
      gate.exit(ticket);
    }
    flushIf(flags);
  }

  /**
   * Enters the gate, marks, preserves; the caller moves the data. Who is sent away out of a wait
   * for the storage leaves the gate and comes again: its marks only over-report. Where that goes on
   * for longer than a request waits, the image is given up, not the write.
   */
  private int enterPrepared(long offset, long length, int flags) throws BlksnapException {
    boolean noWait = (flags & IoFlags.NO_WAIT) != 0;
    long deadline = 0;
    while (true) {
      int ticket = gate.enter(noWait);
      boolean ready = false;
      try {
        ready = prepareChange(offset, length, noWait);
      } finally {
        if (!ready) {
          gate.exit(ticket);
        }
      }
      if (ready) {
        return ticket;
      }
      if (deadline == 0 || (deadline - System.nanoTime() <= 0 && imageGivenUp())) {
        deadline = System.nanoTime() + patienceNanos;
      }
      gate.beforeComingAgain(deadline);
    }
  }

  /** True where no image holds up a write any more. */
  private boolean imageGivenUp() {
    HeldArea area = held;
    return area == null
        || area.giveUp(
            "a live write of device "
                + name
                + " was held up for its sake for more than "
                + TimeUnit.NANOSECONDS.toSeconds(patienceNanos)
                + " s");
  }

  /** False where the request was sent away. */
  private boolean prepareChange(long offset, long length, boolean noWait) throws BlksnapException {
    present();
    Tracker marks = tracker;
    if (marks != null) {
      marks.mark(offset, length);
    }
    HeldArea area = held;
    return area == null || area.preserve(offset, length, noWait);
  }

  private void sendAwayWhoWait() {
    HeldArea area = held;
    if (area != null) {
      area.sendAway();
    }
  }

  @Override
  public void discard(long offset, long length, int flags) throws IOException {
    checkWrite(offset, length, flags, IoFlags.FUA | IoFlags.NO_WAIT);
    for (long done = 0; done < length; done += PIECE) {
      long piece = Math.min(PIECE, length - done);
      int ticket = enterPrepared(offset + done, piece, flags);
      try {
        present().discard(offset + done, piece);
      } finally {
        gate.exit(ticket);
      }
    }
    flushIf(flags);
  }

  @Override
  public void writeZeroes(long offset, long length, int flags) throws IOException {
    checkWrite(
        offset, length, flags, IoFlags.FUA | IoFlags.NO_WAIT | IoFlags.NO_HOLE | IoFlags.FAST_ZERO);
    for (long done = 0; done < length; done += PIECE) {
      long piece = Math.min(PIECE, length - done);
      int ticket = enterPrepared(offset + done, piece, flags);
      try {
        present()
            .writeZeroes(
                offset + done,
                piece,
                (flags & IoFlags.NO_HOLE) != 0,
                (flags & IoFlags.FAST_ZERO) != 0);
      } finally {
        gate.exit(ticket);
      }
    }
    flushIf(flags);
  }

  private void flushIf(int flags) throws IOException {
    if ((flags & IoFlags.FUA) != 0) {
      flush();
    }
  }

  @Override
  public void flush() throws IOException {
    int ticket = gate.enterSteady();
    try {
      present().flush();
    } finally {
      gate.exit(ticket);
    }
  }

  @Override
  public void transferTo(long offset, long length, WritableByteChannel target) throws IOException {
    checkInside(offset, length, Errno.EINVAL);
    int ticket = gate.enterSteady();
    try {
      present().transferTo(offset, length, target);
    } finally {
      gate.exit(ticket);
    }
  }

  @Override
  public void prefetch(long offset, long length) throws IOException {
    checkInside(offset, length, Errno.EINVAL);
    int ticket = gate.enterSteady();
    try {
      present().prefetch(offset, length);
    } finally {
      gate.exit(ticket);
    }
  }

  @Override
  public List<AllocationExtent> allocation(long offset, long length, int limit) throws IOException {
    checkInside(offset, length, Errno.EINVAL);
    int ticket = gate.enterSteady();
    try {
      return present().allocation(offset, length, limit);
    } finally {
      gate.exit(ticket);
    }
  }

  private void checkWrite(long offset, long length, int flags, int allowed) throws IOException {
    if ((flags & ~allowed) != 0) {
      throw new BlksnapException(
          Errno.EINVAL,
          "device "
              + name
              + ": flags 0x"
              + Integer.toHexString(flags)
              + " refused, allowed are 0x"
              + Integer.toHexString(allowed));
    }
    if (geometry.readOnly()) {
      throw new BlksnapException(Errno.EROFS, "device " + name + " is attached read-only");
    }
    checkInside(offset, length, Errno.ENOSPC);
  }

  private void checkInside(long offset, long length, Errno error) throws IOException {
    if (outside(offset, length)) {
      if (offset >= 0 && length >= 0 && keeper.rescan(this) && !outside(offset, length)) {
        return;
      }
      throw new BlksnapException(
          error,
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
    return identity.blockDevice() ? identity.major() + ":" + identity.minor() : identity.key();
  }

  @Override
  public int major() {
    return identity.major();
  }

  @Override
  public int minor() {
    return minor;
  }

  /** Name of the image a snapshot of this device has. */
  String imageName() {
    return "blksnap-image_" + major() + ":" + minor;
  }

  @Override
  public ChangeMap changes() {
    return changes;
  }

  @Override
  public Optional<UUID> snapshot() {
    return Optional.ofNullable(snapshot);
  }

  @Override
  public boolean rescan() throws IOException {
    return keeper.rescan(this);
  }

  @Override
  public CbtInfo restartChanges() throws BlksnapException {
    return keeper.restartChanges(this);
  }

  @Override
  public GateStatistics gate() {
    return gate.statistics();
  }

  @Override
  public String condition() {
    return condition;
  }

  @Override
  public AttachRequest request() {
    return request;
  }
}

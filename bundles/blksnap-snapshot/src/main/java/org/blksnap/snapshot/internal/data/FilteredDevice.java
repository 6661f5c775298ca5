// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal.data;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.blksnap.api.block.AllocationExtent;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.block.IoFlags;
import org.blksnap.api.change.CbtInfo;
import org.blksnap.api.change.ChangeMap;
import org.blksnap.api.snapshot.AttachRequest;
import org.blksnap.api.snapshot.AttachedDevice;
import org.blksnap.api.snapshot.GateStatistics;
import org.blksnap.spi.device.DeviceIdentity;
import org.blksnap.spi.device.RawDevice;
import org.blksnap.spi.tracker.Tracker;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

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
 * take waits for. What stands behind it ({@link DeviceRooms}) is changed under its exclusive side
 * alone, so a request sees one consistent set from its first step to its last.
 */
public final class FilteredDevice extends DeviceRooms implements AttachedDevice {
  private static final Logger LOG = LoggerFactory.getLogger(FilteredDevice.class);

  /**
   * Longest piece of a discard or write-zeroes that goes through the gate at once, so that a take
   * never waits for a giant one.
   */
  static final long PIECE = 64L << 20;

  private final AttachRequest request;
  private final DeviceIdentity identity;
  private final int minor;
  private final Gate gate;
  private final TrackedChanges changes;
  private final Keeper keeper;
  private final long patienceNanos;

  /** What a device cannot do alone: whoever changes it, under a lock of its own. */
  public interface Keeper {
    /** Looks at the capacity again; true where it was changed. */
    boolean rescan(FilteredDevice device) throws IOException;

    /** As {@link AttachedDevice#restartChanges}. */
    CbtInfo restartChanges(FilteredDevice device) throws BlksnapException;
  }

  public FilteredDevice(
      String name, AttachRequest request, RawDevice raw, int minor, Keeper keeper) {
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
    super(name, raw);
    this.request = request;
    this.identity = raw.identity();
    this.minor = identity.blockDevice() ? identity.minor() : minor;
    this.gate = new Gate("device " + name, this::sendAwayWhoWait);
    this.changes = new TrackedChanges(name, this::tracker, gate);
    this.keeper = keeper;
    this.patienceNanos = patience.toNanos();
  }

  public Gate gateOfRequests() {
    return gate;
  }

  public DeviceIdentity deviceIdentity() {
    return identity;
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
  public void write(ByteBuffer src, long offset, IoFlags flags) throws IOException {
    int length = src.remaining();
    checkWrite(offset, length, flags, RequestRefusals.OF_A_WRITE);
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
  private int enterPrepared(long offset, long length, IoFlags flags) throws BlksnapException {
    boolean noWait = flags.has(IoFlags.NO_WAIT);
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
      long now = System.nanoTime();
      if (deadline == 0 || (deadline - now <= 0 && imageGivenUp())) {
        deadline = now + patienceNanos;
      }
      gate.beforeComingAgain(deadline, now);
    }
  }

  /** True where no image holds up a write any more. */
  private boolean imageGivenUp() {
    HeldArea area = held();
    return area == null
        || area.giveUp(
            "a live write of device "
                + name()
                + " was held up for its sake for more than "
                + TimeUnit.NANOSECONDS.toSeconds(patienceNanos)
                + " s");
  }

  /** False where the request was sent away. */
  private boolean prepareChange(long offset, long length, boolean noWait) throws BlksnapException {
    present();
    Tracker marks = tracker();
    if (marks != null) {
      marks.mark(offset, length);
    }
    HeldArea area = held();
    return area == null || area.preserve(offset, length, noWait);
  }

  @Override
  public void discard(long offset, long length, IoFlags flags) throws IOException {
    checkWrite(offset, length, flags, RequestRefusals.OF_A_WRITE);
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
  public void writeZeroes(long offset, long length, IoFlags flags) throws IOException {
    checkWrite(offset, length, flags, RequestRefusals.OF_ZEROES);
    for (long done = 0; done < length; done += PIECE) {
      long piece = Math.min(PIECE, length - done);
      int ticket = enterPrepared(offset + done, piece, flags);
      try {
        present()
            .writeZeroes(
                offset + done, piece, flags.has(IoFlags.NO_HOLE), flags.has(IoFlags.FAST_ZERO));
      } finally {
        gate.exit(ticket);
      }
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
    int ticket = gate.enterSteady();
    try {
      present().flush();
    } finally {
      gate.exit(ticket);
    }
  }

  /** True where a flush ahead of a close is worth it, and need not wait. */
  public boolean flushes() {
    return identity.blockDevice() && !gate.isClosed();
  }

  /** While requests go on; what fails is left to the close. */
  public void flushAhead() {
    try {
      flush();
    } catch (IOException | RuntimeException | Error e) {
      LOG.debug("device {} was not flushed ahead: {}", name(), e.toString());
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

  private void checkWrite(long offset, long length, IoFlags flags, IoFlags allowed)
      throws IOException {
    if (!flags.within(allowed)) {
      throw RequestRefusals.flags("device " + name(), flags, allowed);
    }
    if (geometry().readOnly()) {
      throw new BlksnapException(Errno.EROFS, "device " + name() + " is attached read-only");
    }
    checkInside(offset, length, Errno.ENOSPC);
  }

  private void checkInside(long offset, long length, Errno error) throws IOException {
    if (RequestRefusals.outside(offset, length, geometry().capacity())) {
      if (offset >= 0
          && length >= 0
          && keeper.rescan(this)
          && !RequestRefusals.outside(offset, length, geometry().capacity())) {
        return;
      }
      throw RequestRefusals.notInside(
          error, "device " + name(), offset, length, geometry().capacity());
    }
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
  public String imageName() {
    return "blksnap-image_" + major() + ":" + minor;
  }

  @Override
  public ChangeMap changes() {
    return changes;
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
  public AttachRequest request() {
    return request;
  }
}

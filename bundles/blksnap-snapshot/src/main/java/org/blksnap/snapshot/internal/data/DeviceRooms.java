// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal.data;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.blksnap.api.block.AllocationExtent;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.block.Geometry;
import org.blksnap.api.snapshot.DeviceCondition;
import org.blksnap.spi.chunk.LiveReader;
import org.blksnap.spi.device.RawDevice;
import org.blksnap.spi.tracker.Tracker;

/**
 * What stands behind the gate of one device: raw device, geometry, tracker and held area. All of it
 * is changed under the gate's exclusive side alone, so a request that is inside sees one consistent
 * set from its first step to its last. Here is who stands there; {@link FilteredDevice} knows in
 * which order they are used.
 */
abstract class DeviceRooms {
  private final String name;

  private volatile RawDevice raw;
  private volatile Geometry geometry;
  private volatile Tracker tracker;
  private volatile HeldArea held;
  private volatile UUID snapshot;
  private volatile String condition = "ok";
  private volatile boolean ended;

  DeviceRooms(String name, RawDevice raw) {
    this.name = name;
    this.raw = raw;
    this.geometry = raw.geometry();
  }

  public final String name() {
    return name;
  }

  /** As it is known now, also while the raw device is away. */
  public final Geometry geometry() {
    return geometry;
  }

  public final DeviceCondition condition() {
    if (ended) {
      return DeviceCondition.ENDED;
    }
    if (condition.equals("ok")) {
      return DeviceCondition.OK;
    }
    return raw != null && tracker == null ? DeviceCondition.UNTRACKED : DeviceCondition.AWAY;
  }

  /** In words; "ok" where nothing is the matter. */
  public final String conditionDetail() {
    return condition;
  }

  /** Null while the device bundle is away. */
  public final RawDevice raw() {
    return raw;
  }

  /** Null while the tracker bundle is away. */
  public final Tracker tracker() {
    return tracker;
  }

  /** Null where no snapshot holds the device. */
  public final HeldArea held() {
    return held;
  }

  /** Under the gate's exclusive side, or before the first request. */
  public final void installRaw(RawDevice newRaw) {
    raw = newRaw;
    if (newRaw != null) {
      geometry = newRaw.geometry();
    }
  }

  /** Under the gate's exclusive side, or before the first request. */
  public final void installTracker(Tracker newTracker) {
    tracker = newTracker;
  }

  /** Under the gate's exclusive side: from now on writes preserve into it. Null ends that. */
  public final void hold(HeldArea area) {
    held = area;
  }

  /** Which snapshot has the device, taken or not; null for none. */
  public final void belongTo(UUID newSnapshot) {
    snapshot = newSnapshot;
  }

  public final Optional<UUID> snapshot() {
    return Optional.ofNullable(snapshot);
  }

  /** Who waits in the held area comes again. */
  final void sendAwayWhoWait() {
    HeldArea area = held;
    if (area != null) {
      area.sendAway();
    }
  }

  /** No I/O ever again through this object: detached, or the engine is stopped. */
  public final void end(String why) {
    condition = why;
    ended = true;
  }

  public final void say(String newCondition) {
    condition = newCondition;
  }

  /** As it is now: "ok", or the bundle that is away. */
  public final void sayWhatIsMissing() {
    if (raw == null) {
      condition = "the device bundle is away";
    } else {
      condition = tracker == null ? "not tracked, the tracker bundle is away" : "ok";
    }
  }

  /** The live content, beneath the filter; whoever uses it is inside the gate already. */
  public final LiveReader beneath() {
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
  final RawDevice present() throws BlksnapException {
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
}

// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.dispatch;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.time.Instant;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.ByteRange;
import org.blksnap.api.block.Errno;
import org.blksnap.api.event.BlksnapEvent;
import org.blksnap.api.event.EventSubscription;
import org.blksnap.api.snapshot.Snapshot;
import org.blksnap.api.snapshot.SnapshotService;
import org.blksnap.ioctl.internal.layout.Layout;
import org.blksnap.ioctl.internal.layout.Seed;

/**
 * The call {@code wait_event}. An event is looked at first, then put into the caller's memory, and
 * only then taken off the snapshot's queue: whoever faults, is interrupted or dies before that
 * leaves it to the next one. Of two who wait, one takes it; the other goes on waiting.
 *
 * <p>Keeps nothing; any thread.
 */
final class EventWait {
  /** How soon a wait notices that it is to end. */
  static final Duration SLICE = Duration.ofMillis(50);

  /** What the call writes: code, time and data, in one piece. */
  private static final int WRITTEN = Seed.EVENT.size() - Seed.EVENT_CODE.offset();

  private final Engines engines;

  EventWait(Engines engines) {
    this.engines = engines;
  }

  /** The snapshot's oldest event. ENOENT: none came in time. EINTR. ESRCH. EFAULT. */
  int call(long argument, Caller caller) throws IOException {
    ByteBuffer given = Layout.buffer(ByteBuffer.allocate(Seed.EVENT_CODE.offset()));
    caller.read(argument, given);
    UUID id = Seed.EVENT_ID.uuid(given);
    long millis = Seed.EVENT_TIMEOUT.get(given);
    long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(millis);
    return engines.use(
        engine -> on(engine, id, end, argument, caller), () -> lookWhileAway(end, caller));
  }

  private static void lookWhileAway(long end, Caller caller) throws IOException {
    checkInterrupt(caller);
    if (end - System.nanoTime() <= 0) {
      throw none();
    }
  }

  private static int on(SnapshotService engine, UUID id, long end, long argument, Caller caller)
      throws IOException {
    Snapshot snapshot = engine.snapshot(id);
    try (EventSubscription events = snapshot.subscribe()) {
      while (true) {
        BlksnapEvent.OfSnapshot event = next(events, end, caller);
        ByteBuffer shown = shown(event);
        if (shown == null) {
          continue;
        }
        caller.write(argument + Seed.EVENT_CODE.offset(), shown);
        if (snapshot.acknowledge(event)) {
          return 0;
        }
        caller.goesOnWaiting();
      }
    }
  }

  private static BlksnapEvent.OfSnapshot next(EventSubscription events, long end, Caller caller)
      throws IOException {
    while (true) {
      long left = end - System.nanoTime();
      try {
        return events.next(Duration.ofNanos(Math.max(0, Math.min(left, SLICE.toNanos()))));
      } catch (BlksnapException e) {
        if (e.errno() != Errno.ENOENT || left <= 0) {
          throw e;
        }
      }
      checkInterrupt(caller);
    }
  }

  private static void checkInterrupt(Caller caller) throws IOException {
    if (caller.interrupted()) {
      throw new BlksnapException(Errno.EINTR, "the wait for an event was interrupted");
    }
  }

  private static BlksnapException none() {
    return new BlksnapException(Errno.ENOENT, "no event came in time");
  }

  /** Null for an event that the interface does not know. */
  private static ByteBuffer shown(BlksnapEvent.OfSnapshot event) {
    ByteBuffer struct = Layout.buffer(ByteBuffer.allocate(Seed.EVENT.size()));
    ByteBuffer data = Layout.buffer(struct.slice(Seed.EVENT_DATA.offset(), Seed.EVENT_DATA.size()));
    if (event instanceof BlksnapEvent.LowFreeSpace low) {
      Seed.EVENT_CODE.put(struct, Seed.EVENT_LOW_FREE_SPACE);
      Seed.LOW_REQUESTED.put(data, low.requestedBytes() / ByteRange.SECTOR);
    } else if (event instanceof BlksnapEvent.Corrupted corrupted) {
      Seed.EVENT_CODE.put(struct, Seed.EVENT_CORRUPTED);
      Seed.CORRUPTED_MAJOR.put(data, corrupted.major());
      Seed.CORRUPTED_MINOR.put(data, corrupted.minor());
      Seed.CORRUPTED_ERROR.put(data, corrupted.error().code());
    } else {
      return null;
    }
    Seed.EVENT_TIME.put(struct, monotonic(event.time(), Instant.now(), System.nanoTime()));
    return struct.slice(Seed.EVENT_CODE.offset(), WRITTEN);
  }

  /**
   * An event knows when it happened by the host's clock alone, which may have been set since; the
   * interface tells the monotonic one. On Linux that is what {@link System#nanoTime} counts.
   */
  static long monotonic(Instant time, Instant now, long monotonicNow) {
    Duration age = Duration.between(time, now);
    boolean known = !age.isNegative() && age.getSeconds() <= monotonicNow / 1_000_000_000L;
    return known ? Math.max(0, monotonicNow - age.toNanos()) : monotonicNow;
  }
}

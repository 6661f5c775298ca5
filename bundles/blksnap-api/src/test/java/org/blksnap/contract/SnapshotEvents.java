// SPDX-License-Identifier: Apache-2.0
package org.blksnap.contract;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.UUID;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Consistency;
import org.blksnap.api.block.Errno;
import org.blksnap.api.event.BlksnapEvent;
import org.blksnap.api.event.EventSubscription;

/**
 * One snapshot as the contracts of its events need it: the test itself says what happens. The last
 * five methods do as those of {@code Snapshot}, or as its engine's stop.
 */
public interface SnapshotEvents {
  UUID ID = new UUID(1, 2);

  static BlksnapEvent.LowFreeSpace low(long bytes) {
    return new BlksnapEvent.LowFreeSpace(Instant.EPOCH, "test", ID, bytes);
  }

  static BlksnapEvent.Corrupted corrupted(String device) {
    return new BlksnapEvent.Corrupted(Instant.EPOCH, "test", ID, device, 8, 1, Errno.EIO, "test");
  }

  static BlksnapEvent.Taken taken() {
    return new BlksnapEvent.Taken(
        Instant.EPOCH, "test", ID, List.of("sda"), Consistency.CRASH, List.of());
  }

  static BlksnapEvent.Destroyed destroyed() {
    return new BlksnapEvent.Destroyed(Instant.EPOCH, "test", ID);
  }

  /** The engine says that this happened. */
  void offer(BlksnapEvent.OfSnapshot event);

  BlksnapEvent.OfSnapshot waitEvent(Duration timeout) throws BlksnapException;

  EventSubscription subscribe() throws BlksnapException;

  boolean acknowledge(BlksnapEvent.OfSnapshot event);

  /** With its event. */
  void destroy();

  /** The engine stops, or is updated. */
  void stop();
}

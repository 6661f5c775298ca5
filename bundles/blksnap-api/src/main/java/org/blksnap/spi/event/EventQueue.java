// SPDX-License-Identifier: Apache-2.0
package org.blksnap.spi.event;

import java.time.Duration;
import java.util.List;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.event.BlksnapEvent;
import org.osgi.annotation.versioning.ProviderType;

/**
 * The queue behind {@code wait_event} of one snapshot. Bounded; when full, the oldest low-space
 * event goes first. Any thread.
 */
@ProviderType
public interface EventQueue {
  /** Never blocks. */
  void offer(BlksnapEvent.OfSnapshot event);

  /**
   * The oldest, waiting for one. ENOENT: none in time. EINTR: interrupted. ESRCH: closed. ESTALE:
   * handed over; ask the successor.
   */
  BlksnapEvent.OfSnapshot poll(Duration timeout) throws BlksnapException;

  /** Hands over: what was not yet taken, oldest first; waiters wake with ESTALE. */
  List<BlksnapEvent.OfSnapshot> handOver();

  /** Wakes all waiters with ESRCH. Idempotent. */
  void close();
}

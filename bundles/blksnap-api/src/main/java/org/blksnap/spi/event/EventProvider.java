// SPDX-License-Identifier: Apache-2.0
package org.blksnap.spi.event;

import java.util.List;
import java.util.UUID;
import org.blksnap.api.event.BlksnapEvent;
import org.osgi.annotation.versioning.ProviderType;

/**
 * Queues for waiters, and {@link EventSink#offer} for everybody who listens (whiteboard listeners,
 * EventAdmin). Any thread.
 */
@ProviderType
public interface EventProvider extends EventSink {
  /**
   * A queue with what a predecessor had left in it, oldest first. The queue gets only what is
   * offered to it itself.
   */
  EventQueue open(UUID snapshot, List<BlksnapEvent.OfSnapshot> left);
}

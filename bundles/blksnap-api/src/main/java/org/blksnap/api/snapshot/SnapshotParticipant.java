// SPDX-License-Identifier: Apache-2.0
package org.blksnap.api.snapshot;

import java.time.Duration;
import java.util.List;
import java.util.UUID;
import org.osgi.annotation.versioning.ConsumerType;

/**
 * Whiteboard: an application that wants to flush and freeze before a take. All four methods are
 * called in one thread, which serves this participant and this take alone. One that throws or is
 * late becomes a warning of the take, which goes on without it. One whose call has not returned
 * when the take is over is set aside: {@code blksnap:doctor} names it, and no take asks it until
 * the call has returned or the service is registered anew.
 */
@ConsumerType
public interface SnapshotParticipant {
  /** A word for reports; at most a second. Null or an error: the class's name is used. */
  String participantName();

  /**
   * Longest time each of the two calls may take; at most 60 seconds are granted. Null, zero, less
   * than zero or an error: 10 seconds.
   */
  default Duration deadline() {
    return Duration.ofSeconds(10);
  }

  /** Flush, and hold still until {@link #afterTake}. */
  void beforeTake(UUID snapshot, List<String> devices) throws Exception;

  /**
   * Go on. Called once for every {@link #beforeTake} begun, after it has returned, whatever became
   * of it; {@code taken} tells whether the snapshot exists.
   */
  void afterTake(UUID snapshot, List<String> devices, boolean taken) throws Exception;
}

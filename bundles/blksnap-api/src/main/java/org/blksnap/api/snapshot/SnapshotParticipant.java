// SPDX-License-Identifier: Apache-2.0
package org.blksnap.api.snapshot;

import java.time.Duration;
import java.util.List;
import java.util.UUID;
import org.osgi.annotation.versioning.ConsumerType;

/**
 * Whiteboard: an application that wants to flush and freeze before a take. Called in a thread of
 * its own; one that throws or passes its deadline is reported, and the take goes on marked
 * crash-consistent.
 */
@ConsumerType
public interface SnapshotParticipant {
  /** A word for reports. */
  String participantName();

  /** Longest time each of the two calls may take; at most 60 seconds are granted. */
  default Duration deadline() {
    return Duration.ofSeconds(10);
  }

  /** Flush, and hold still until {@link #afterTake}. */
  void beforeTake(UUID snapshot, List<String> devices) throws Exception;

  /**
   * Go on. Called once for every {@link #beforeTake} begun, whatever became of it; {@code taken}
   * tells whether the snapshot exists.
   */
  void afterTake(UUID snapshot, List<String> devices, boolean taken) throws Exception;
}

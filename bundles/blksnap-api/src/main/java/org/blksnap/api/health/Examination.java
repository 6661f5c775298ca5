// SPDX-License-Identifier: Apache-2.0
package org.blksnap.api.health;

import java.time.Duration;
import java.util.List;
import org.osgi.annotation.versioning.ConsumerType;

/**
 * Whiteboard: each bundle registers what it can say about its own health. Called by the {@link
 * Doctor}, in a thread of its own each time.
 */
@ConsumerType
public interface Examination {
  /** Longest deadline granted. */
  Duration LONGEST_DEADLINE = Duration.ofSeconds(30);

  /** What is examined, a word or two; at most a second. */
  default String subject() {
    return getClass().getSimpleName();
  }

  /**
   * How long {@link #examine} may take; 10 s unless it says otherwise, at most 30 s are granted.
   */
  default Duration deadline() {
    return Duration.ofSeconds(10);
  }

  /** Looks now; returns before its deadline and does not throw. */
  List<Finding> examine();
}

// SPDX-License-Identifier: Apache-2.0
package org.blksnap.api.health;

import java.time.Duration;
import java.util.List;
import org.osgi.annotation.versioning.ConsumerType;

/**
 * Whiteboard: each bundle registers what it can say about its own health. Called by the {@link
 * Doctor}, in a thread of its own each time, which is a daemon and is interrupted at the deadline;
 * never by two of them at once. What it throws, and an answer that is null or holds null, becomes
 * one finding.
 */
@ConsumerType
public interface Examination {
  /** Longest deadline granted. */
  Duration LONGEST_DEADLINE = Duration.ofSeconds(30);

  /** How long {@link #subject} and {@link #deadline} may take together. */
  Duration DESCRIPTION_WAIT = Duration.ofSeconds(1);

  /** What is examined, a word or two; not null. */
  default String subject() {
    return getClass().getSimpleName();
  }

  /**
   * How long {@link #examine} may take; 10 s unless it says otherwise. More than {@link
   * #LONGEST_DEADLINE} is taken for that.
   */
  default Duration deadline() {
    return Duration.ofSeconds(10);
  }

  /**
   * Looks now; returns before its deadline and does not throw. An empty list: nothing worth saying.
   */
  List<Finding> examine();
}

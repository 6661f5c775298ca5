// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal.control;

import java.time.Duration;

/**
 * Times of the engine, each a bound.
 *
 * @param handoverTimeout how long I/O waits for a swapped bundle's successor before the safe end
 * @param gateTimeout how long a take or resize waits for requests under way to end
 * @param freezeDeadline after which frozen file systems are thawed whatever happens; zero: nothing
 *     is frozen
 * @param watchInterval how often devices are looked at for a new capacity
 */
public record EngineSettings(
    Duration handoverTimeout,
    Duration gateTimeout,
    Duration freezeDeadline,
    Duration watchInterval) {
  public static final EngineSettings DEFAULTS =
      new EngineSettings(
          Duration.ofSeconds(10),
          Duration.ofSeconds(5),
          Duration.ofSeconds(10),
          Duration.ofMillis(200));
}

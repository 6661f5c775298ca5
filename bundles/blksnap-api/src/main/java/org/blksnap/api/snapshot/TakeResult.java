// SPDX-License-Identifier: Apache-2.0
package org.blksnap.api.snapshot;

import java.time.Duration;
import java.util.List;
import org.blksnap.api.block.Consistency;

/**
 * How a take went.
 *
 * @param consistency what the images begin with: the least of all devices
 * @param reasons why it is that and not more, a sentence each; kept with the snapshot
 * @param warnings what failed or was late, a sentence each
 * @param held how long writers were held: first gate closed to last gate open; zero where the
 *     engine does not tell ({@link Capability#GATE_TIMES})
 */
public record TakeResult(
    Consistency consistency, List<String> reasons, List<String> warnings, Duration held) {
  public TakeResult {
    reasons = List.copyOf(reasons);
    warnings = List.copyOf(warnings);
  }

  /** True where the images are what a loss of power would have left, and no more than that. */
  public boolean crashConsistent() {
    return consistency == Consistency.CRASH;
  }
}

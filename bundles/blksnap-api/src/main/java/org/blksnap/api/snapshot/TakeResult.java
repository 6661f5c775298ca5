// SPDX-License-Identifier: Apache-2.0
package org.blksnap.api.snapshot;

import java.util.List;

/**
 * How a take went.
 *
 * @param crashConsistent true where a participant or a file-system freeze failed or was late; the
 *     images are then what a power cut would have left
 * @param warnings what failed, a sentence each
 * @param heldNanos how long writers were held: first gate closed to last gate open
 */
public record TakeResult(boolean crashConsistent, List<String> warnings, long heldNanos) {
  public TakeResult {
    warnings = List.copyOf(warnings);
  }
}

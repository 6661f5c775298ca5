// SPDX-License-Identifier: Apache-2.0
package org.blksnap.kernel.internal.snapshot;

import java.util.ArrayList;
import java.util.List;
import org.blksnap.api.block.Consistency;

/**
 * What the images of one take begin with. The kernel freezes the file systems on the devices itself
 * and does not tell whether it could: so no more is promised for them than a loss of power leaves.
 *
 * @param heldStill names of participants that answered in time
 * @param late sentences of those that did not
 */
record Stillness(List<String> heldStill, List<String> late) {
  Consistency consistency() {
    return heldStill.isEmpty() || !late.isEmpty() ? Consistency.CRASH : Consistency.APPLICATION;
  }

  List<String> reasons() {
    List<String> reasons = new ArrayList<>(late);
    reasons.add(
        heldStill.isEmpty()
            ? "no participant held still"
            : "held still: " + String.join(", ", heldStill));
    reasons.add(
        "the kernel freezes file systems on the devices itself, and does not tell whether it"
            + " could");
    return reasons;
  }
}

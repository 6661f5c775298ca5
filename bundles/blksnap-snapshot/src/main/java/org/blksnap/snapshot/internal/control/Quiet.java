// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal.control;

import java.util.ArrayList;
import java.util.List;
import org.blksnap.api.block.Consistency;

/**
 * How still everything was at one take, and so what its images begin with.
 *
 * <pre>
 * a freeze failed or was late                      CRASH
 * else: some participants, and all held still      APPLICATION
 * else: each device's file systems were frozen     FILE_SYSTEM
 * else: somebody wrote whom nobody asked           CRASH
 * </pre>
 *
 * <p>Used by the one thread that takes.
 */
final class Quiet {
  private final List<String> heldStill;
  private final List<String> late;
  private final List<String> failures = new ArrayList<>();
  private final List<String> frozen = new ArrayList<>();
  private final List<String> unasked = new ArrayList<>();

  /**
   * @param heldStill names of participants that answered in time
   * @param late sentences of those that did not
   */
  Quiet(List<String> heldStill, List<String> late) {
    this.heldStill = List.copyOf(heldStill);
    this.late = List.copyOf(late);
  }

  /** {@code notFrozen} is a sentence, null where all its file systems were frozen. */
  void device(String name, int fileSystems, String notFrozen) {
    if (notFrozen != null) {
      failures.add(notFrozen);
    } else if (fileSystems > 0) {
      frozen.add(
          "device "
              + name
              + ": "
              + fileSystems
              + (fileSystems == 1 ? " file system was frozen" : " file systems were frozen"));
    } else {
      unasked.add(
          "device "
              + name
              + ": no file system of this host is mounted from it, so nothing was frozen");
    }
  }

  Consistency consistency() {
    if (!failures.isEmpty()) {
      return Consistency.CRASH;
    }
    if (!heldStill.isEmpty() && late.isEmpty()) {
      return Consistency.APPLICATION;
    }
    return unasked.isEmpty() ? Consistency.FILE_SYSTEM : Consistency.CRASH;
  }

  List<String> reasons() {
    List<String> reasons = new ArrayList<>(failures);
    reasons.addAll(late);
    if (heldStill.isEmpty()) {
      reasons.add("no participant held still");
    } else {
      reasons.add("held still: " + String.join(", ", heldStill));
    }
    reasons.addAll(unasked);
    reasons.addAll(frozen);
    return reasons;
  }
}

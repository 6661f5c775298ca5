// SPDX-License-Identifier: Apache-2.0
package org.blksnap.bench;

import java.io.PrintStream;
import java.util.Locale;

/** A line a goal, the same that compare-qsd.sh prints. */
final class GoalLine {
  private final PrintStream out;
  private boolean allMet = true;

  GoalLine(PrintStream out) {
    this.out = out;
  }

  void atMost(String goal, double value, double most, String what) {
    boolean met = value <= most;
    allMet &= met;
    out.println(
        String.format(
            Locale.ROOT,
            "%s %.2f goal %.1f %s (%s)",
            goal,
            value,
            most,
            met ? "met" : "missed",
            what));
  }

  boolean allMet() {
    return allMet;
  }
}

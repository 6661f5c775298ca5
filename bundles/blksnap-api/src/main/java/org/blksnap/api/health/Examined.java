// SPDX-License-Identifier: Apache-2.0
package org.blksnap.api.health;

import java.time.Duration;
import java.util.List;

/**
 * What became of one examination.
 *
 * @param subject what was examined
 * @param outcome whether it answered
 * @param took how long it took, or how long it was waited for
 * @param findings what it found; where it did not answer, one finding that says why
 */
public record Examined(String subject, Outcome outcome, Duration took, List<Finding> findings) {
  /** How an examination ended. */
  public enum Outcome {
    /** It answered in time. */
    ANSWERED,
    /** It threw, or answered nothing of use. */
    FAILED,
    /** It has not returned before its deadline, or still has not from an earlier call. */
    LATE
  }

  public Examined {
    findings = List.copyOf(findings);
  }
}

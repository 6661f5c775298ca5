// SPDX-License-Identifier: Apache-2.0
package org.blksnap.api.health;

import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;

/**
 * What became of one examination.
 *
 * @param subject what was examined: {@link Examination#subject}, or the class's simple name where
 *     that did not answer
 * @param outcome whether it answered
 * @param took how long it took to answer, or how long it was waited for
 * @param findings what it found, which may be nothing; where it did not answer, one finding that
 *     says why
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

  /** NullPointerException: a component, or a finding, is null. */
  public Examined {
    Objects.requireNonNull(subject, "subject");
    Objects.requireNonNull(outcome, "outcome");
    Objects.requireNonNull(took, "took");
    findings = List.copyOf(findings);
  }

  /** The worst of its findings; OK where it found nothing. */
  public Finding.Severity worst() {
    return findings.stream()
        .map(Finding::severity)
        .max(Comparator.naturalOrder())
        .orElse(Finding.Severity.OK);
  }
}

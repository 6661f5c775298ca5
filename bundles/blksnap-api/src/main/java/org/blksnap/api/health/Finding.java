// SPDX-License-Identifier: Apache-2.0
package org.blksnap.api.health;

import java.util.Objects;

/**
 * One thing looked at.
 *
 * @param severity how bad
 * @param subject what was looked at, a few words
 * @param observation what was seen, with values
 * @param remedy what to do; empty when all is well
 */
public record Finding(Severity severity, String subject, String observation, String remedy) {
  /** OK, worth knowing, will hurt soon, hurts now. */
  public enum Severity {
    OK,
    NOTE,
    WARNING,
    ERROR
  }

  /** NullPointerException: a component is null. */
  public Finding {
    Objects.requireNonNull(severity, "severity");
    Objects.requireNonNull(subject, "subject");
    Objects.requireNonNull(observation, "observation");
    Objects.requireNonNull(remedy, "remedy");
  }
}

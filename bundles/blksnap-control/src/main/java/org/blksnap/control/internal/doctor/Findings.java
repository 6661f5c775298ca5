// SPDX-License-Identifier: Apache-2.0
package org.blksnap.control.internal.doctor;

import java.util.Locale;
import org.blksnap.api.health.Finding;
import org.blksnap.api.health.Finding.Severity;

/** Findings, and words that many of them have in common. */
final class Findings {
  /** What to do where something is missing or does not answer. */
  static final String LIST_BUNDLES =
      "look for what is not active with scr:list and bundle:list; see the log with log:display";

  private static final String SIZE_UNITS = "KMGTPE";

  private Findings() {}

  static Finding ok(String subject, String observation) {
    return new Finding(Severity.OK, subject, observation, "");
  }

  static Finding warning(String subject, String observation, String remedy) {
    return new Finding(Severity.WARNING, subject, observation, remedy);
  }

  static Finding error(String subject, String observation, String remedy) {
    return new Finding(Severity.ERROR, subject, observation, remedy);
  }

  /** Bytes with at most one decimal and a binary unit. */
  static String size(long bytes) {
    int power = bytes <= 0 ? 0 : (63 - Long.numberOfLeadingZeros(bytes)) / 10;
    if (power == 0) {
      return bytes + " B";
    }
    String scaled = String.format(Locale.ROOT, "%.1f", Math.scalb((double) bytes, -10 * power));
    String whole = scaled.endsWith(".0") ? scaled.substring(0, scaled.length() - 2) : scaled;
    return whole + " " + SIZE_UNITS.charAt(power - 1) + "iB";
  }
}

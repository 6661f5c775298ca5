// SPDX-License-Identifier: Apache-2.0
package org.blksnap.api.snapshot;

import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;

/**
 * What one engine allows for one parameter, both ends included. Minimum, maximum and default are in
 * {@code unit}, which is a word for people such as {@code sectors}. Immutable.
 */
public record ParameterRange(
    Parameter parameter, long minimum, long maximum, long defaultValue, String unit) {
  /** IllegalArgumentException where the default lies outside. */
  public ParameterRange {
    if (defaultValue < minimum || defaultValue > maximum) {
      throw new IllegalArgumentException(
          parameter.key() + ": " + defaultValue + " is not in " + minimum + " to " + maximum);
    }
  }

  /** The value itself where it is in range, else EINVAL with name, value, range and unit. */
  public long check(long value) throws BlksnapException {
    if (value < minimum || value > maximum) {
      throw new BlksnapException(
          Errno.EINVAL, parameter.key() + " = " + value + " refused: allowed are " + allowed());
    }
    return value;
  }

  /**
   * Parses and checks a value given as text. EINVAL as {@link #check}, also for what is no number.
   */
  public long parse(Object value) throws BlksnapException {
    try {
      return check(Long.parseLong(String.valueOf(value).trim()));
    } catch (NumberFormatException e) {
      throw new BlksnapException(
          Errno.EINVAL,
          parameter.key()
              + " = \""
              + value
              + "\" refused: not a whole number; allowed are "
              + allowed(),
          e);
    }
  }

  private String allowed() {
    return minimum + " to " + maximum + " " + unit + "; the value in force stays";
  }
}

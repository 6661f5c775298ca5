// SPDX-License-Identifier: Apache-2.0
package org.blksnap.api.snapshot;

import java.util.Locale;
import java.util.Optional;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;

/**
 * The nine module parameters (reference, section 3) with their defaults and the range allowed here.
 */
public enum Parameter {
  TRACKING_BLOCK_MINIMUM_SHIFT(
      16, 9, 30, "power of two", ReadWhen.MAP_MADE, "smallest tracking block"),
  TRACKING_BLOCK_MAXIMUM_COUNT(
      2_097_152,
      1,
      268_435_456,
      "blocks",
      ReadWhen.MAP_MADE,
      "most tracking blocks before the block size is doubled"),
  TRACKING_BLOCK_MAXIMUM_SHIFT(
      26, 9, 30, "power of two", ReadWhen.MAP_MADE, "largest tracking block"),
  CHUNK_MINIMUM_SHIFT(18, 12, 30, "power of two", ReadWhen.TAKE, "smallest copy-on-write chunk"),
  CHUNK_MAXIMUM_COUNT(
      2_097_152,
      1,
      268_435_456,
      "chunks",
      ReadWhen.TAKE,
      "most chunks before the chunk size is doubled"),
  CHUNK_MAXIMUM_SHIFT(26, 12, 30, "power of two", ReadWhen.TAKE, "largest copy-on-write chunk"),
  CHUNK_MAXIMUM_IN_QUEUE(
      16,
      1,
      4096,
      "chunks",
      ReadWhen.LIVE,
      "chunks that may wait in memory before the store worker is woken"),
  FREE_DIFF_BUFFER_POOL_SIZE(
      128, 0, 65_536, "buffers", ReadWhen.LIVE, "chunk buffers kept for reuse"),
  DIFF_STORAGE_MINIMUM(
      2_097_152,
      8,
      1L << 40,
      "sectors",
      ReadWhen.LIVE,
      "portion asked for at a time; half of it is the low-space mark");

  /** When a changed value takes effect. */
  public enum ReadWhen {
    MAP_MADE("when a tracker's map is made"),
    TAKE("when a snapshot is taken"),
    LIVE("at once");

    private final String text;

    ReadWhen(String text) {
      this.text = text;
    }

    public String text() {
      return text;
    }
  }

  private final long defaultValue;
  private final long minimum;
  private final long maximum;
  private final String unit;
  private final ReadWhen readWhen;
  private final String meaning;

  Parameter(
      long defaultValue,
      long minimum,
      long maximum,
      String unit,
      ReadWhen readWhen,
      String meaning) {
    this.defaultValue = defaultValue;
    this.minimum = minimum;
    this.maximum = maximum;
    this.unit = unit;
    this.readWhen = readWhen;
    this.meaning = meaning;
  }

  /** The module's own spelling: lower case with underscores. */
  public String key() {
    return name().toLowerCase(Locale.ROOT);
  }

  public long defaultValue() {
    return defaultValue;
  }

  public long minimum() {
    return minimum;
  }

  public long maximum() {
    return maximum;
  }

  public String unit() {
    return unit;
  }

  public ReadWhen readWhen() {
    return readWhen;
  }

  public String meaning() {
    return meaning;
  }

  public static Optional<Parameter> ofKey(String key) {
    for (Parameter parameter : values()) {
      if (parameter.key().equals(key)) {
        return Optional.of(parameter);
      }
    }
    return Optional.empty();
  }

  /** The value itself where it is in range, else EINVAL with name, value and range. */
  public long check(long value) throws BlksnapException {
    if (value < minimum || value > maximum) {
      throw new BlksnapException(
          Errno.EINVAL,
          key()
              + " = "
              + value
              + " refused: allowed are "
              + minimum
              + " to "
              + maximum
              + " "
              + unit
              + "; the value in force stays");
    }
    return value;
  }

  /** Parses and checks a value given as text. */
  public long parse(Object value) throws BlksnapException {
    try {
      return check(Long.parseLong(String.valueOf(value).trim()));
    } catch (NumberFormatException e) {
      throw new BlksnapException(
          Errno.EINVAL,
          key()
              + " = \""
              + value
              + "\" refused: not a whole number; allowed are "
              + minimum
              + " to "
              + maximum
              + " "
              + unit
              + "; the value in force stays",
          e);
    }
  }
}

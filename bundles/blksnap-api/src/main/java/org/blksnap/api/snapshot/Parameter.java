// SPDX-License-Identifier: Apache-2.0
package org.blksnap.api.snapshot;

import java.util.Locale;
import java.util.Optional;

/**
 * The nine module parameters (reference, section 3) with their defaults. What is allowed differs
 * from engine to engine: {@link Parameters#range}.
 */
public enum Parameter {
  TRACKING_BLOCK_MINIMUM_SHIFT(16, ReadWhen.MAP_MADE, "smallest tracking block"),
  TRACKING_BLOCK_MAXIMUM_COUNT(
      2_097_152, ReadWhen.MAP_MADE, "most tracking blocks before the block size is doubled"),
  TRACKING_BLOCK_MAXIMUM_SHIFT(26, ReadWhen.MAP_MADE, "largest tracking block"),
  CHUNK_MINIMUM_SHIFT(18, ReadWhen.TAKE, "smallest copy-on-write chunk"),
  CHUNK_MAXIMUM_COUNT(2_097_152, ReadWhen.TAKE, "most chunks before the chunk size is doubled"),
  CHUNK_MAXIMUM_SHIFT(26, ReadWhen.TAKE, "largest copy-on-write chunk"),
  CHUNK_MAXIMUM_IN_QUEUE(
      16, ReadWhen.LIVE, "chunks that may wait in memory before the store worker is woken"),
  FREE_DIFF_BUFFER_POOL_SIZE(128, ReadWhen.LIVE, "chunk buffers kept for reuse"),
  DIFF_STORAGE_MINIMUM(
      2_097_152, ReadWhen.LIVE, "portion asked for at a time; half of it is the low-space mark");

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
  private final ReadWhen readWhen;
  private final String meaning;

  Parameter(long defaultValue, ReadWhen readWhen, String meaning) {
    this.defaultValue = defaultValue;
    this.readWhen = readWhen;
    this.meaning = meaning;
  }

  /** The module's own spelling: lower case with underscores. */
  public String key() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** The module's own default, in the unit of {@link Parameters#range}. */
  public long defaultValue() {
    return defaultValue;
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
}

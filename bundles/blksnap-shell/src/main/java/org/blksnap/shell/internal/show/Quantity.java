// SPDX-License-Identifier: Apache-2.0
package org.blksnap.shell.internal.show;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.ByteRange;
import org.blksnap.api.block.Errno;

/** Sizes, ranges and durations as people write and read them. */
public final class Quantity {
  private static final Pattern NUMBER_AND_UNIT = Pattern.compile("(\\d{1,19})\\s*([A-Za-z]*)");
  private static final String SIZE_UNITS = "KMGTPE";
  private static final Map<String, Long> MILLIS =
      Map.of("ms", 1L, "s", 1_000L, "m", 60_000L, "min", 60_000L, "h", 3_600_000L);

  /** Longest wait a command takes on. */
  static final Duration LONGEST = Duration.ofHours(24);

  private Quantity() {}

  /** Bytes: a number with nothing, B, s (512-byte sectors), or K to E, also as KiB to EiB. */
  static long bytes(String what, String text) throws BlksnapException {
    Matcher parts = NUMBER_AND_UNIT.matcher(text.trim());
    if (parts.matches()) {
      try {
        long unit = unit(parts.group(2));
        if (unit > 0) {
          return Math.multiplyExact(Long.parseLong(parts.group(1)), unit);
        }
      } catch (ArithmeticException | NumberFormatException e) {
        throw new BlksnapException(
            Errno.ERANGE, what + " " + text + " refused: allowed are sizes below 8 EiB", e);
      }
    }
    throw new BlksnapException(
        Errno.EINVAL,
        what
            + " "
            + text
            + " refused: not a size; allowed are a whole number with no unit or B for bytes, s for"
            + " 512-byte sectors, K M G T P or KiB MiB GiB TiB PiB");
  }

  /** As {@link #bytes}, but nothing is not a size. */
  public static long bytesAboveZero(String what, String text) throws BlksnapException {
    long bytes = bytes(what, text);
    if (bytes == 0) {
      throw new BlksnapException(
          Errno.EINVAL, what + " " + text + " refused: allowed are sizes above 0");
    }
    return bytes;
  }

  private static long unit(String unit) {
    if (unit.isEmpty() || unit.equals("B")) {
      return 1;
    }
    if (unit.equals("s")) {
      return ByteRange.SECTOR;
    }
    int power = SIZE_UNITS.indexOf(Character.toUpperCase(unit.charAt(0)));
    boolean whole = unit.length() == 1 || unit.substring(1).equals("iB");
    return power >= 0 && whole ? 1L << (10 * (power + 1)) : 0;
  }

  /** Ranges written {@code offset:length}, each a size. */
  public static List<ByteRange> ranges(List<String> texts) throws BlksnapException {
    List<ByteRange> ranges = new ArrayList<>();
    for (String text : texts == null ? List.<String>of() : texts) {
      int colon = text.indexOf(':');
      if (colon < 0) {
        throw new BlksnapException(
            Errno.EINVAL,
            "range " + text + " refused: allowed is offset:length, for instance 0:64K or 2048s:8s");
      }
      long offset = bytes("offset", text.substring(0, colon));
      long length = bytes("length", text.substring(colon + 1));
      if (length == 0 || offset > Long.MAX_VALUE - length) {
        throw new BlksnapException(
            Errno.EINVAL,
            "range " + text + " refused: allowed are lengths above 0 that end below 8 EiB");
      }
      ranges.add(new ByteRange(offset, length));
    }
    return ranges;
  }

  /** A duration with its unit: ms, s, m or h. */
  public static Duration duration(String what, String text) throws BlksnapException {
    Matcher parts = NUMBER_AND_UNIT.matcher(text.trim());
    if (parts.matches() && (MILLIS.containsKey(parts.group(2)) || text.trim().equals("0"))) {
      BigDecimal millis =
          new BigDecimal(parts.group(1))
              .multiply(BigDecimal.valueOf(MILLIS.getOrDefault(parts.group(2), 1L)));
      if (millis.compareTo(BigDecimal.valueOf(LONGEST.toMillis())) <= 0) {
        return Duration.ofMillis(millis.longValueExact());
      }
    }
    throw new BlksnapException(
        Errno.EINVAL,
        what
            + " "
            + text
            + " refused: allowed is a whole number with a unit, ms, s, m or h, up to 24h; for"
            + " instance 500ms or 10s");
  }

  /** For people: at most one decimal and a binary unit; below zero: not known. */
  public static String text(long bytes) {
    if (bytes < 0) {
      return "not known";
    }
    int power = bytes <= 0 ? 0 : (63 - Long.numberOfLeadingZeros(bytes)) / 10;
    if (power == 0) {
      return bytes + " B";
    }
    BigDecimal scaled =
        BigDecimal.valueOf(bytes)
            .divide(BigDecimal.valueOf(1L << (10 * power)))
            .setScale(1, RoundingMode.HALF_UP)
            .stripTrailingZeros();
    return scaled.toPlainString() + " " + SIZE_UNITS.charAt(power - 1) + "iB";
  }
}

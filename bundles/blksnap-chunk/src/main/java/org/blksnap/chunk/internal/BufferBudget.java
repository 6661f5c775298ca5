// SPDX-License-Identifier: Apache-2.0
package org.blksnap.chunk.internal;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * How much memory the buffers of one diff area may take: a share of what the machine has to give
 * when the area is made. The buffers are pages of a mapped file, so the heap does not count, and
 * what is not written to yet is given back by the kernel under pressure.
 */
final class BufferBudget {
  /** The share of the available memory one area may take. */
  static final int SHARE = 32;

  /** Bytes; a machine with less to give still needs something to absorb a burst. */
  static final long LEAST = 16L << 20;

  /** Bytes; more only makes what a kill leaves behind longer to store. */
  static final long MOST = 256L << 20;

  private static final Path MEMINFO = Path.of("/proc/meminfo");
  private static final String AVAILABLE = "MemAvailable:";

  private BufferBudget() {}

  /** Bytes for one area made now. */
  static long now() {
    try {
      return of(Files.readString(MEMINFO, StandardCharsets.US_ASCII));
    } catch (IOException unknown) {
      return LEAST;
    }
  }

  /** Bytes for one area, as {@code /proc/meminfo} stands. */
  static long of(String meminfo) {
    long available =
        meminfo
            .lines()
            .filter(line -> line.startsWith(AVAILABLE))
            .mapToLong(BufferBudget::bytes)
            .findFirst()
            .orElse(0);
    return Math.max(LEAST, Math.min(MOST, available / SHARE));
  }

  private static long bytes(String line) {
    String digits = line.replaceAll("[^0-9]", "");
    return digits.isEmpty() ? 0 : Long.parseLong(digits) << 10;
  }
}

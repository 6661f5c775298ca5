// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal.control;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** How much memory the files of one diff area take at most (FORMATS, "Diff area"). */
final class AreaMemory {
  /** In the chunk map: where, which and zero. */
  private static final long BYTES_A_CHUNK = 3 * 8;

  private static final long HEADERS = 1L << 20;
  private static final long FEWEST_SLOTS = 4;
  private static final long MOST_SLOTS = 1024;
  private static final long LEAST_BUFFERS = 16L << 20;
  private static final long MOST_BUFFERS = 256L << 20;
  private static final long SHARE = 32;
  private static final Path MEMINFO = Path.of("/proc/meminfo");
  private static final String TOTAL = "MemTotal:";

  private AreaMemory() {}

  /** Bytes for an area of so many chunks of so many bytes each. */
  static long of(long chunks, long chunkSize) {
    try {
      return of(chunks, chunkSize, Files.readString(MEMINFO, StandardCharsets.US_ASCII));
    } catch (IOException unknown) {
      return of(chunks, chunkSize, "");
    }
  }

  /** What is available is never more than the total, which goes in where it is known. */
  static long of(long chunks, long chunkSize, String meminfo) {
    long share =
        meminfo
            .lines()
            .filter(line -> line.startsWith(TOTAL))
            .map(line -> line.replaceAll("[^0-9]", ""))
            .filter(digits -> !digits.isEmpty())
            .mapToLong(digits -> (Long.parseLong(digits) << 10) / SHARE)
            .findFirst()
            .orElse(MOST_BUFFERS);
    long budget = Math.max(LEAST_BUFFERS, Math.min(MOST_BUFFERS, share));
    long slots = Math.max(FEWEST_SLOTS, Math.min(MOST_SLOTS, budget / chunkSize));
    return HEADERS + chunks * BYTES_A_CHUNK + Math.min(slots, chunks) * chunkSize;
  }
}

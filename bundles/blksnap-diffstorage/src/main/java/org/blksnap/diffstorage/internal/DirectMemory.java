// SPDX-License-Identifier: Apache-2.0
package org.blksnap.diffstorage.internal;

import java.lang.management.ManagementFactory;
import java.util.List;
import java.util.Locale;

/**
 * How much memory outside its heap this process may have, so that too much is refused before
 * gigabytes of it are cleared in vain.
 */
final class DirectMemory {
  private static final String OPTION = "-XX:MaxDirectMemorySize=";
  private static final long LIMIT =
      limit(
          ManagementFactory.getRuntimeMXBean().getInputArguments(),
          Runtime.getRuntime().maxMemory());

  private DirectMemory() {}

  /** Bytes. */
  static long limit() {
    return LIMIT;
  }

  /** What the last option says; the heap's largest size without one. */
  static long limit(List<String> arguments, long largestHeap) {
    long limit = largestHeap;
    for (String argument : arguments) {
      if (argument.startsWith(OPTION)) {
        long given = bytes(argument.substring(OPTION.length()).toLowerCase(Locale.ROOT));
        limit = given == 0 ? largestHeap : given;
      }
    }
    return limit;
  }

  /** Not understood is no limit: the allocation then finds it out. */
  private static long bytes(String size) {
    int unit = size.isEmpty() ? -1 : "kmgt".indexOf(size.charAt(size.length() - 1));
    String digits = unit < 0 ? size : size.substring(0, size.length() - 1);
    try {
      return Math.multiplyExact(Long.parseLong(digits), 1L << 10 * (unit + 1));
    } catch (ArithmeticException | NumberFormatException odd) {
      return Long.MAX_VALUE;
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
package org.blksnap.nbd.internal.session;

import java.lang.management.ManagementFactory;
import java.util.List;

/** How much memory outside the heap this JVM allows itself for direct buffers. */
final class DirectMemory {
  private static final String OPTION = "-XX:MaxDirectMemorySize=";

  private DirectMemory() {}

  /** Bytes: what the JVM was told, else as much as its heap may have. */
  static long limit() {
    return limit(
        ManagementFactory.getRuntimeMXBean().getInputArguments(), Runtime.getRuntime().maxMemory());
  }

  /** The last of the options counts; 0 or one that cannot be read means the heap's own bound. */
  static long limit(List<String> arguments, long heap) {
    long limit = 0;
    for (String argument : arguments) {
      if (argument.startsWith(OPTION)) {
        limit = bytes(argument.substring(OPTION.length()));
      }
    }
    return limit > 0 ? limit : heap;
  }

  private static long bytes(String text) {
    int end = text.length() - 1;
    int shift = end < 0 ? -1 : "kmgt".indexOf(Character.toLowerCase(text.charAt(end)));
    try {
      return shift < 0
          ? Long.parseLong(text)
          : Math.multiplyExact(Long.parseLong(text.substring(0, end)), 1024L << (10 * shift));
    } catch (ArithmeticException | NumberFormatException e) {
      return 0;
    }
  }
}

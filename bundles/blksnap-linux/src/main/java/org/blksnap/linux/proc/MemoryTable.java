// SPDX-License-Identifier: Apache-2.0
package org.blksnap.linux.proc;

import java.nio.file.Path;
import java.util.OptionalLong;

/** How much memory the machine has, as {@code /proc/meminfo} stood when it was read. */
public final class MemoryTable {
  private static final Path MEMINFO = Path.of("/proc/meminfo");

  private final String meminfo;

  /** The text of {@code /proc/meminfo}; empty where it is not known. */
  public MemoryTable(String meminfo) {
    this.meminfo = meminfo;
  }

  public static MemoryTable now() {
    return new MemoryTable(KernelText.read(MEMINFO).orElse(""));
  }

  /** Bytes the machine has; empty where that is not known. */
  public OptionalLong total() {
    return bytes("MemTotal:");
  }

  /** Bytes that can be had without swapping; empty where that is not known. */
  public OptionalLong available() {
    return bytes("MemAvailable:");
  }

  private OptionalLong bytes(String name) {
    return meminfo
        .lines()
        .filter(line -> line.startsWith(name))
        .map(line -> line.replaceAll("[^0-9]", ""))
        .filter(digits -> !digits.isEmpty())
        .mapToLong(digits -> Long.parseLong(digits) << 10)
        .findFirst();
  }
}

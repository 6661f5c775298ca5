// SPDX-License-Identifier: Apache-2.0
package org.blksnap.linux.proc;

import java.nio.file.Path;
import java.util.UUID;

/** What tells one boot of the kernel from another; where that is not known, no two are equal. */
public final class BootId {
  private BootId() {}

  public static String current() {
    return of(Path.of("/proc"));
  }

  /** The directory is {@code /proc}, or a copy of it. */
  public static String of(Path proc) {
    return KernelText.read(proc.resolve("sys/kernel/random/boot_id"))
        .filter(id -> !id.isEmpty())
        .orElseGet(() -> "unknown-" + UUID.randomUUID());
  }
}

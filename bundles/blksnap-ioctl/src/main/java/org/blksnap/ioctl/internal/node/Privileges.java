// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.node;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;

/** What this process may do, as {@code /proc/self} says. */
final class Privileges {
  private static final int CAP_IPC_LOCK = 14;
  private static final String CAPABILITIES = "CapEff:";
  private static final String LOCKED = "Max locked memory";

  private final Path process;

  Privileges(Path process) {
    this.process = process;
  }

  boolean has(int capability) {
    for (String line : lines("status")) {
      if (line.startsWith(CAPABILITIES)) {
        String mask = line.substring(CAPABILITIES.length()).strip();
        return (Long.parseUnsignedLong(mask, 16) >>> capability & 1) != 0;
      }
    }
    return false;
  }

  /** EPERM where a later allocation could fail since memory is locked. */
  void requireUnlimitedMemory() throws BlksnapException {
    boolean unlimited =
        has(CAP_IPC_LOCK)
            || lines("limits").stream()
                .anyMatch(
                    line ->
                        line.startsWith(LOCKED)
                            && line.substring(LOCKED.length()).strip().startsWith("unlimited"));
    if (!unlimited) {
      throw new BlksnapException(
          Errno.EPERM,
          "locking all memory refused: locked memory is limited for this process; set"
              + " LimitMEMLOCK=infinity (ulimit -l unlimited), or run it as root");
    }
  }

  private List<String> lines(String file) {
    try {
      return Files.readAllLines(process.resolve(file));
    } catch (IOException unreadable) {
      return List.of();
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
package org.blksnap.kernel.internal.record;

import java.util.Optional;

/**
 * One life of a kernel module, {@code module:mark:boot} as {@link
 * org.blksnap.spi.module.ModuleProbe#incarnation} tells it.
 *
 * @param module its name; no two of one name are loaded at a time
 * @param mark tells one load of it from the next one
 * @param boot id of the boot
 */
public record Life(String module, String mark, String boot) {
  private static final int PARTS = 3;

  private static Optional<Life> of(String text) {
    String[] words = text.split(":", -1);
    return words.length == PARTS
        ? Optional.of(new Life(words[0], words[1], words[2]))
        : Optional.empty();
  }

  /**
   * True where a snapshot of the life {@code old} cannot be in any kernel, given that the module of
   * the life {@code now} does not have it: it is the same module, or the host was booted since.
   */
  public static boolean hasEnded(String old, String now) {
    if (old.equals(now)) {
      return true;
    }
    Optional<Life> before = of(old);
    Optional<Life> after = of(now);
    if (before.isEmpty() || after.isEmpty()) {
      return false;
    }
    boolean booted = !before.get().boot.equals(after.get().boot);
    return booted || before.get().module.equals(after.get().module);
  }
}

// SPDX-License-Identifier: Apache-2.0
package org.blksnap.nbd.internal.export;

import java.util.List;

/**
 * What the clients of one listener may have.
 *
 * @param exports names, each exact or a beginning followed by {@code *}; empty for all
 * @param readOnly writes are refused
 */
public record Access(List<String> exports, boolean readOnly) {
  public static final Access ALL = new Access(List.of(), false);

  public boolean admits(Target target) {
    return exports.isEmpty() || exports.stream().anyMatch(each -> matches(each, target.name()));
  }

  private static boolean matches(String pattern, String name) {
    return pattern.endsWith("*")
        ? name.startsWith(pattern.substring(0, pattern.length() - 1))
        : name.equals(pattern);
  }

  @Override
  public String toString() {
    return (readOnly ? "read " : "read and write ")
        + (exports.isEmpty() ? "every export" : "exports " + String.join(", ", exports));
  }
}

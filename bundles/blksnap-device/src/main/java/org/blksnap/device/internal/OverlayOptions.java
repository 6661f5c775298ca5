// SPDX-License-Identifier: Apache-2.0
package org.blksnap.device.internal;

import java.util.ArrayList;
import java.util.List;
import org.blksnap.linux.proc.KernelText;

/**
 * The options of an overlay as a mount table shows them: octal escapes by the table, and below them
 * backslashes of overlay's own before commas and colons that belong to a path.
 */
final class OverlayOptions {
  private OverlayOptions() {}

  /** At each separator that no backslash stands before. Escapes stay. */
  static List<String> split(String text, char separator) {
    List<String> parts = new ArrayList<>();
    StringBuilder part = new StringBuilder();
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == '\\' && i + 1 < text.length()) {
        part.append(c).append(text.charAt(++i));
      } else if (c == separator) {
        parts.add(part.toString());
        part.setLength(0);
      } else {
        part.append(c);
      }
    }
    parts.add(part.toString());
    return parts;
  }

  /** A path without escapes. */
  static String plain(String path) {
    String once = KernelText.unescape(path);
    StringBuilder plain = new StringBuilder();
    for (int i = 0; i < once.length(); i++) {
      char c = once.charAt(i);
      if (c == '\\' && i + 1 < once.length()) {
        c = once.charAt(++i);
      }
      plain.append(c);
    }
    return plain.toString();
  }
}

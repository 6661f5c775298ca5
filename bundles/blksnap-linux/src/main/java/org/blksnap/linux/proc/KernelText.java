// SPDX-License-Identifier: Apache-2.0
package org.blksnap.linux.proc;

import java.io.FileInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * Reads the small texts of /proc and /sys by a plain stream: a channel would be closed by a pending
 * interrupt of the thread.
 */
public final class KernelText {
  private KernelText() {}

  /** Without surrounding white space; empty where it cannot be read. */
  public static Optional<String> read(Path file) {
    try (FileInputStream in = new FileInputStream(file.toFile())) {
      return Optional.of(new String(in.readAllBytes(), StandardCharsets.UTF_8).strip());
    } catch (IOException unreadable) {
      return Optional.empty();
    }
  }

  public static List<String> lines(Path file) {
    return read(file).map(text -> text.lines().toList()).orElse(List.of());
  }

  /** Undoes the octal escapes ({@code \040} for a space) of mount and swap tables. */
  public static String unescape(String word) {
    if (word.indexOf('\\') < 0) {
      return word;
    }
    byte[] from = word.getBytes(StandardCharsets.UTF_8);
    byte[] to = new byte[from.length];
    int length = 0;
    for (int i = 0; i < from.length; i++) {
      if (from[i] == '\\' && i + 3 < from.length && octal(from, i + 1)) {
        to[length++] =
            (byte) ((from[i + 1] - '0') << 6 | (from[i + 2] - '0') << 3 | (from[i + 3] - '0'));
        i += 3;
      } else {
        to[length++] = from[i];
      }
    }
    return new String(to, 0, length, StandardCharsets.UTF_8);
  }

  private static boolean octal(byte[] text, int at) {
    for (int i = at; i < at + 3; i++) {
      if (text[i] < '0' || text[i] > '7') {
        return false;
      }
    }
    return true;
  }
}

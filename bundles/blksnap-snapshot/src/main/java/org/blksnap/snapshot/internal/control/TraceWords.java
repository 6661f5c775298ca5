// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal.control;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.blksnap.spi.device.Trace;

/**
 * Traces as words of the {@link Guardian}'s language: ASCII without blanks, so that a path of any
 * bytes is safe in a line, and in a shell.
 */
final class TraceWords {
  private static final String PLAIN = "/._-";

  private TraceWords() {}

  static String of(Trace trace) {
    return trace.kind().name().charAt(0) + ":" + escaped(trace.path());
  }

  /** Its bytes as the system knows them; all but letters, digits and a few as octal numbers. */
  static String escaped(Path path) {
    String raw = path.toUri().getRawPath();
    StringBuilder word = new StringBuilder();
    for (int at = 0; at < raw.length(); at++) {
      char c = raw.charAt(at);
      if (c == '%') {
        append(word, (char) Integer.parseInt(raw.substring(at + 1, at + 3), 16));
        at += 2;
      } else if (c < 0x80) {
        append(word, c);
      } else {
        for (byte b : Character.toString(c).getBytes(StandardCharsets.UTF_8)) {
          append(word, (char) Byte.toUnsignedInt(b));
        }
      }
    }
    return word.toString();
  }

  private static void append(StringBuilder word, char c) {
    boolean plain =
        c >= 'a' && c <= 'z'
            || c >= 'A' && c <= 'Z'
            || c >= '0' && c <= '9'
            || PLAIN.indexOf(c) >= 0;
    if (plain) {
      word.append(c);
    } else {
      word.append(String.format("\\0%03o", (int) c));
    }
  }
}

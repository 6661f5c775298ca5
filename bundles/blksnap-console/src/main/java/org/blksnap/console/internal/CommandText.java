// SPDX-License-Identifier: Apache-2.0
package org.blksnap.console.internal;

import java.util.List;
import java.util.regex.Pattern;

/** Words of a client, and the line that makes the shell see just these words. */
final class CommandText {
  /** The scope of a command that names none. */
  static final String SCOPE = "blksnap";

  private static final Pattern PLAIN = Pattern.compile("[A-Za-z0-9_./:,+@-]+");
  private static final Pattern ESCAPES = Pattern.compile("\u001b\\[[0-9;]*m");

  private CommandText() {}

  /**
   * Whether a word may name a command. One that has to be quoted names none: the shell would take
   * it for a value, and say and do nothing.
   */
  static boolean namesACommand(String word) {
    return PLAIN.matcher(word).matches();
  }

  static String line(List<String> words) {
    String command = words.get(0);
    StringBuilder line = new StringBuilder();
    line.append(quoted(command.contains(":") ? command : SCOPE + ":" + command));
    words.subList(1, words.size()).forEach(word -> line.append(' ').append(quoted(word)));
    return line.toString();
  }

  /**
   * Single quotes of the shell keep everything as it is, but a backslash still hides a quote behind
   * it while the end is looked for: so both stand outside, behind a backslash.
   */
  private static String quoted(String word) {
    return PLAIN.matcher(word).matches()
        ? word
        : "'" + word.replaceAll("(['\\\\])", "'\\\\$1'") + "'";
  }

  static String withoutColours(String text) {
    return ESCAPES.matcher(text).replaceAll("");
  }
}

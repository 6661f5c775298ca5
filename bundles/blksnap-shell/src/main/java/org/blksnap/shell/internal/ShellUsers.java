// SPDX-License-Identifier: Apache-2.0
package org.blksnap.shell.internal;

import java.io.IOException;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Properties;

/** The keys that may enter the shell: Karaf's {@code keys.properties}, read by it as it changes. */
final class ShellUsers {
  /** The user the key is entered for. */
  static final String USER = "karaf";

  /** Another name under which an operator may have entered the key of bin/blksnap. */
  static final String OTHER_USER = "blksnap";

  private static final String GROUP = "_g_:admingroup";

  /** Stands in the line before our own entry, and tells it from an operator's. */
  private static final String MARK =
      "# Made at a start, with data/" + FirstStartKey.KEY_FILE + "; made anew where that is gone.";

  /** Whose the entry is. */
  enum Entry {
    NONE,
    OUR_OWN,
    OPERATORS
  }

  private final Path file;

  ShellUsers(Path file) {
    this.file = file;
  }

  Path file() {
    return file;
  }

  Entry entry() throws IOException {
    Properties entries = entries();
    if (entries.containsKey(OTHER_USER)) {
      return Entry.OPERATORS;
    }
    if (!entries.containsKey(USER)) {
      return Entry.NONE;
    }
    return text().lines().anyMatch(MARK::equals) ? Entry.OUR_OWN : Entry.OPERATORS;
  }

  /**
   * Adds the user with its key, in place of our own entry where there is one, and the group it
   * belongs to where that is missing.
   */
  void enter(String publicBody) throws IOException {
    String ours = USER + '=' + publicBody + ',' + GROUP + '\n';
    StringBuilder text = new StringBuilder();
    boolean afterMark = false;
    boolean entered = false;
    for (String line : text().lines().toList()) {
      if (afterMark && line.startsWith(USER)) {
        text.append(ours);
        entered = true;
      } else {
        text.append(line).append('\n');
      }
      afterMark = line.equals(MARK);
    }
    if (!entered) {
      text.append(MARK).append('\n').append(ours);
    }
    if (!entries().containsKey(GROUP)) {
      text.append("_g_\\:admingroup = group,admin,manager,viewer,systembundles,ssh\n");
    }
    PrivateFile.write(file, text.toString());
  }

  private String text() throws IOException {
    return Files.exists(file) ? Files.readString(file, StandardCharsets.UTF_8) : "";
  }

  private Properties entries() throws IOException {
    Properties entries = new Properties();
    if (Files.exists(file)) {
      try (Reader reader = Files.newBufferedReader(file, StandardCharsets.UTF_8)) {
        entries.load(reader);
      }
    }
    return entries;
  }
}

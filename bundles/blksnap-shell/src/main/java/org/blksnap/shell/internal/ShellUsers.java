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

  private static final String OTHER_USER = "blksnap";
  private static final String GROUP = "_g_:admingroup";

  private final Path file;

  ShellUsers(Path file) {
    this.file = file;
  }

  Path file() {
    return file;
  }

  /** True where a key may already enter. */
  boolean isKnown() throws IOException {
    Properties entries = entries();
    return entries.containsKey(USER) || entries.containsKey(OTHER_USER);
  }

  /** Adds the user with its key, and the group it belongs to where that is missing. */
  void add(String publicBody) throws IOException {
    StringBuilder text = new StringBuilder(text());
    if (text.length() > 0 && text.charAt(text.length() - 1) != '\n') {
      text.append('\n');
    }
    text.append(USER).append('=').append(publicBody).append(',').append(GROUP).append('\n');
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

// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal.record;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * What tells a process from every other one of this boot: its number, and when it was started in
 * ticks since the boot. The latter does not move with the host's clock, unlike {@link
 * ProcessHandle.Info#startInstant}.
 */
public final class ProcessStamp {
  /** Words of /proc/N/stat behind the command's closing bracket, counted from 0. */
  private static final int STATE = 0;

  private static final int STARTED = 19;

  private ProcessStamp() {}

  /** Empty where there is no such process, or it is dead and not yet collected. */
  public static String of(long pid) {
    try {
      String text =
          Files.readString(
              Path.of("/proc", Long.toString(pid), "stat"), StandardCharsets.ISO_8859_1);
      String[] words = text.substring(text.lastIndexOf(')') + 1).strip().split(" ");
      boolean dead = words[STATE].equals("Z") || words[STATE].equals("X");
      return dead ? "" : pid + " " + words[STARTED];
    } catch (IOException | IndexOutOfBoundsException gone) {
      return "";
    }
  }

  static String own() {
    return of(ProcessHandle.current().pid());
  }

  static boolean lives(String stamp) {
    int blank = stamp.indexOf(' ');
    try {
      return blank > 0 && of(Long.parseLong(stamp.substring(0, blank))).equals(stamp);
    } catch (NumberFormatException noStamp) {
      return false;
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
package org.blksnap.shell.internal.doctor;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Properties;
import org.blksnap.api.health.Examination;
import org.blksnap.api.health.Finding;
import org.blksnap.api.health.Finding.Severity;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;

/**
 * Looks at what bin/setenv gives to the JVM and another launcher may not have given: file names
 * beyond ASCII, a safe place for JNA, files that others cannot write.
 */
@Component(name = "org.blksnap.shell.internal.JvmExamination", service = Examination.class)
public final class JvmExamination implements Examination {
  private static final String BY_SCRIPT = "start it with bin/blksnap start or bin/karaf";

  /** Bits of a umask that must be set, so that others cannot write what is made. */
  private static final int OTHERS_WRITE = 0022;

  private final Properties properties;
  private final Path status;

  JvmExamination(Properties properties, Path status) {
    this.properties = properties;
    this.status = status;
  }

  @Activate
  public JvmExamination() {
    this(System.getProperties(), Path.of("/proc/self/status"));
  }

  @Override
  public String subject() {
    return "JVM";
  }

  @Override
  public List<Finding> examine() {
    return List.of(fileNames(), nativePlace(), umask());
  }

  private Finding fileNames() {
    String encoding = properties.getProperty("sun.jnu.encoding", "unknown");
    if (encoding.equalsIgnoreCase(StandardCharsets.UTF_8.name())) {
      return ok("file names", encoding);
    }
    return new Finding(
        Severity.WARNING,
        "file names",
        "the JVM takes file names as " + encoding + ": paths beyond that cannot be used",
        BY_SCRIPT + ", or give its launcher the environment LC_ALL=C.UTF-8");
  }

  private Finding nativePlace() {
    String place = properties.getProperty("jna.tmpdir", properties.getProperty("user.home", ""));
    if (place.chars().noneMatch(Character::isWhitespace)) {
      return ok("native library", "unpacked in " + place);
    }
    return new Finding(
        Severity.ERROR,
        "native library",
        "unpacked in \"" + place + "\": with a blank in it another file may be mapped as code",
        BY_SCRIPT + ", or give the JVM -Djna.tmpdir= with a path without blanks");
  }

  private Finding umask() {
    try {
      for (String line : Files.readAllLines(status, StandardCharsets.ISO_8859_1)) {
        if (line.startsWith("Umask:")) {
          String mask = line.substring(line.indexOf(':') + 1).trim();
          boolean closed = (Integer.parseInt(mask, 8) & OTHERS_WRITE) == OTHERS_WRITE;
          return closed
              ? ok("umask", mask)
              : new Finding(
                  Severity.WARNING,
                  "umask",
                  mask + ": others may write what the JVM makes",
                  BY_SCRIPT + ", or give its launcher umask 077 (systemd: UMask=0077)");
        }
      }
    } catch (IOException | NumberFormatException e) {
      return new Finding(Severity.NOTE, "umask", status + ": " + e, "");
    }
    return new Finding(Severity.NOTE, "umask", "not told by this kernel", "");
  }

  private static Finding ok(String subject, String observation) {
    return new Finding(Severity.OK, subject, observation, "");
  }
}

// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.blksnap.api.health.Examination;
import org.blksnap.api.health.Finding;
import org.blksnap.api.health.Finding.Severity;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;

/** Looks at what this process may do to the host: native calls, privileges, limits. */
@Component(service = Examination.class)
public final class HostExamination implements Examination {
  /** Locked memory below this is worth a word: a few maps of large devices. */
  static final long LOCKED_MEMORY_WISH = 64L << 20;

  /** Open files below this are worth a word: devices, storage ranges, NBD connections. */
  static final long OPEN_FILES_WISH = 4096;

  private static final int CAP_IPC_LOCK = 14;
  private static final int CAP_SYS_ADMIN = 21;

  private final Path process;
  private final Callable<?> nativeAccess;

  HostExamination(Path process, Callable<?> nativeAccess) {
    this.process = process;
    this.nativeAccess = nativeAccess;
  }

  @Activate
  public HostExamination() {
    this(Path.of("/proc/self"), LibcCalls::load);
  }

  @Override
  public List<Finding> examine() {
    List<Finding> findings = new ArrayList<>();
    findings.add(nativeAccess());
    List<String> status = lines("status");
    long effective = Long.parseUnsignedLong(field(status, "CapEff:", 0, "0"), 16);
    findings.add(privileges(field(status, "Uid:", 1, "?"), effective));
    List<String> limits = lines("limits");
    findings.add(lockedMemory(field(limits, "Max locked memory", 0, "0"), effective));
    findings.add(openFiles(field(limits, "Max open files", 0, "0")));
    return findings;
  }

  private Finding nativeAccess() {
    try {
      nativeAccess.call();
      return ok("native access", "JNA reaches the C library");
    } catch (Exception failure) {
      return new Finding(
          Severity.WARNING,
          "native access",
          String.valueOf(failure.getMessage()),
          "without it: no hole punching, discard, freeze or exclusive open; make JNA work, for"
              + " example with -Djna.tmpdir=<a directory that may hold executable files>");
    }
  }

  private static Finding privileges(String effectiveUser, long capabilities) {
    boolean admin = has(capabilities, CAP_SYS_ADMIN);
    if (admin) {
      return ok("privileges", "user " + effectiveUser + ", may freeze file systems");
    }
    return new Finding(
        Severity.NOTE,
        "privileges",
        "user " + effectiveUser + " without CAP_SYS_ADMIN: file systems cannot be frozen",
        "run as root or with CAP_SYS_ADMIN where snapshots are to be more than crash-consistent;"
            + " files of one's own need neither");
  }

  private static Finding lockedMemory(String limit, long capabilities) {
    if (has(capabilities, CAP_IPC_LOCK)) {
      return ok("locked memory", "unlimited for this process (CAP_IPC_LOCK)");
    }
    long bytes = number(limit);
    if (bytes >= LOCKED_MEMORY_WISH) {
      return ok("locked memory", "limit " + limit + " bytes");
    }
    return new Finding(
        Severity.NOTE,
        "locked memory",
        "limit " + limit + " bytes, wanted " + LOCKED_MEMORY_WISH,
        "maps may be swapped out; raise it with LimitMEMLOCK= or ulimit -l");
  }

  private static Finding openFiles(String limit) {
    long files = number(limit);
    if (files >= OPEN_FILES_WISH) {
      return ok("open files", "limit " + limit);
    }
    return new Finding(
        Severity.WARNING,
        "open files",
        "limit " + limit + ", wanted " + OPEN_FILES_WISH,
        "raise it with LimitNOFILE= or ulimit -n");
  }

  private static Finding ok(String subject, String observation) {
    return new Finding(Severity.OK, subject, observation, "");
  }

  private static boolean has(long capabilities, int bit) {
    return (capabilities >>> bit & 1) != 0;
  }

  private static long number(String limit) {
    return limit.equals("unlimited") ? Long.MAX_VALUE : Long.parseLong(limit);
  }

  private List<String> lines(String file) {
    try {
      return Files.readAllLines(process.resolve(file));
    } catch (IOException unreadable) {
      return List.of();
    }
  }

  /** The word at the index behind the label, of the first line that starts with it. */
  private static String field(List<String> lines, String label, int index, String otherwise) {
    for (String line : lines) {
      if (line.startsWith(label)) {
        String[] words = line.substring(label.length()).strip().split("\\s+", -1);
        return index < words.length ? words[index] : otherwise;
      }
    }
    return otherwise;
  }
}

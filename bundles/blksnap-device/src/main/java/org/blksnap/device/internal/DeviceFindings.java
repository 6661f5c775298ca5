// SPDX-License-Identifier: Apache-2.0
package org.blksnap.device.internal;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.blksnap.api.block.ByteRange;
import org.blksnap.api.health.Finding;
import org.blksnap.api.health.Finding.Severity;
import org.blksnap.linux.file.EnduringFile;
import org.blksnap.linux.file.LastSector;

/** What the doctor hears of an open device: where its path leads, its locks, its last sector. */
final class DeviceFindings {
  private DeviceFindings() {}

  static List<Finding> of(Path path, String strayed, Anchor.Lock lock, EnduringFile file) {
    List<Finding> findings = new ArrayList<>();
    String subject = "path " + path;
    if (!strayed.isEmpty()) {
      findings.add(
          new Finding(
              Severity.ERROR,
              subject,
              "it no longer leads to the attached file: "
                  + strayed
                  + "; I/O goes on to the file as it was attached, which is lost with its last user"
                  + " where it has no other name",
              "move the file back, or copy the device over NBD to a file of that name, then detach"
                  + " and attach again"));
    }
    lock(lock, subject).ifPresent(findings::add);
    lastSector(file, subject).ifPresent(findings::add);
    if (findings.isEmpty()) {
      findings.add(new Finding(Severity.OK, subject, "it leads to the open file, locked", ""));
    }
    return findings;
  }

  private static Optional<Finding> lock(Anchor.Lock lock, String subject) {
    return switch (lock) {
      case HELD -> Optional.empty();
      case CONTESTED ->
          Optional.of(
              new Finding(
                  Severity.WARNING,
                  subject,
                  "forced although others use it: what they write is neither tracked nor copied",
                  "stop the others, then detach and attach without force"));
      case UNSUPPORTED ->
          Optional.of(
              new Finding(
                  Severity.NOTE,
                  subject,
                  "its file system has no locks: others do not see that it is attached",
                  "see to it yourself that nobody else writes to it"));
      case NO_HOST ->
          Optional.of(
              new Finding(
                  Severity.WARNING,
                  subject,
                  "attached without native access: QEMU and others do not see that it is attached,"
                      + " and an interrupt may drop the lock against a second engine",
                  "start org.blksnap.ioctl, then detach and attach again"));
    };
  }

  private static Optional<Finding> lastSector(EnduringFile file, String subject) {
    long bytes;
    try {
      bytes = file.size();
    } catch (IOException unknown) {
      return Optional.empty();
    }
    long missing = LastSector.wholeBytes(bytes) - bytes;
    return missing == 0
        ? Optional.empty()
        : Optional.of(
            new Finding(
                Severity.NOTE,
                subject,
                "its "
                    + bytes
                    + " bytes are no multiple of "
                    + ByteRange.SECTOR
                    + ": the last "
                    + missing
                    + " bytes of the device read as zeroes, and a write there makes the file longer",
                "none needed; truncate -s %512 on the file gives it whole sectors"));
  }
}

// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.health.Finding;
import org.blksnap.api.health.Finding.Severity;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HostExaminationTest {
  @TempDir Path process;

  private List<Finding> examine(String capabilities, String locked, String files) throws Exception {
    Files.writeString(
        process.resolve("status"), "Name:\tjava\nUid:\t0\t1000\t0\t0\nCapEff:\t" + capabilities);
    Files.writeString(
        process.resolve("limits"),
        "Limit                     Soft Limit           Hard Limit           Units\n"
            + "Max open files            "
            + files
            + "   4096   files\nMax locked memory         "
            + locked
            + "   unlimited   bytes\n");
    return new HostExamination(process, () -> this).examine();
  }

  private static Severity of(List<Finding> findings, String subject) {
    return findings.stream()
        .filter(finding -> finding.subject().equals(subject))
        .findFirst()
        .orElseThrow()
        .severity();
  }

  @Test
  void rootWithEverythingHasNothingToDo() throws Exception {
    List<Finding> findings = examine("000001ffffffffff", "65536", "unlimited");
    assertTrue(findings.stream().allMatch(f -> f.severity() == Severity.OK), findings.toString());
  }

  @Test
  void missingCapabilityToFreezeIsNoted() throws Exception {
    assertEquals(Severity.NOTE, of(examine("0", "unlimited", "unlimited"), "privileges"));
  }

  @Test
  void smallLockedMemoryLimitIsNotedWithARemedy() throws Exception {
    List<Finding> findings = examine("0", "65536", "unlimited");
    assertEquals(Severity.NOTE, of(findings, "locked memory"));
    assertTrue(findings.toString().contains("LimitMEMLOCK="));
  }

  @Test
  void smallOpenFileLimitIsAWarning() throws Exception {
    assertEquals(Severity.WARNING, of(examine("0", "unlimited", "1024"), "open files"));
  }

  @Test
  void nativeAccessThatFailsIsAWarningWithItsReason() {
    List<Finding> findings =
        new HostExamination(
                process,
                () -> {
                  throw new BlksnapException(Errno.ENOSYS, "no executable directory");
                })
            .examine();
    assertEquals(Severity.WARNING, of(findings, "native access"));
    assertTrue(findings.get(0).observation().contains("no executable directory"));
  }

  @Test
  void thisHostAnswersEverything() {
    List<Finding> findings = new HostExamination().examine();
    assertEquals(Severity.OK, of(findings, "native access"));
    assertFalse(findings.toString().contains("?"));
  }
}

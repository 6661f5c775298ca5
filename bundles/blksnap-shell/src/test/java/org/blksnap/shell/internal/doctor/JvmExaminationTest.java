// SPDX-License-Identifier: Apache-2.0
package org.blksnap.shell.internal.doctor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Properties;
import org.blksnap.api.health.Finding;
import org.blksnap.api.health.Finding.Severity;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class JvmExaminationTest {
  @TempDir Path directory;

  private List<Finding> findings(String encoding, String place, String umask) throws IOException {
    Properties properties = new Properties();
    properties.setProperty("sun.jnu.encoding", encoding);
    properties.setProperty("jna.tmpdir", place);
    Path status = directory.resolve("status");
    Files.writeString(status, "Name:\tjava\nUmask:\t" + umask + "\nState:\tS\n");
    return new JvmExamination(properties, status).examine();
  }

  @Test
  void whatTheScriptsGiveIsWell() throws IOException {
    for (Finding finding : findings("UTF-8", "/srv/blksnap/data/tmp/native", "0077")) {
      assertEquals(Severity.OK, finding.severity(), finding.toString());
    }
  }

  @Test
  void eachThingThatALauncherLeavesOutIsNamedWithItsRemedy() throws IOException {
    List<Finding> findings = findings("ANSI_X3.4-1968", "/srv/sp ace/tmp", "0000");
    assertEquals(
        List.of(Severity.WARNING, Severity.ERROR, Severity.WARNING),
        findings.stream().map(Finding::severity).toList());
    assertTrue(findings.get(0).remedy().contains("LC_ALL=C.UTF-8"));
    assertTrue(findings.get(1).observation().contains("/srv/sp ace/tmp"));
    assertTrue(findings.get(2).remedy().contains("umask 077"));
  }
}

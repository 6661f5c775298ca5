// SPDX-License-Identifier: Apache-2.0
package org.blksnap.shell.internal.command;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonParser;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import org.apache.karaf.shell.support.CommandException;
import org.blksnap.api.health.Finding;
import org.blksnap.api.health.Finding.Severity;
import org.blksnap.shell.internal.lookup.TestShell;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DoctorCommandTest {
  @TempDir Path directory;
  private TestShell shell;

  @BeforeEach
  void open() throws Exception {
    shell = new TestShell();
  }

  @AfterEach
  void close() {
    shell.close();
  }

  private void found(Severity severity, String subject) {
    shell.findings.add(new Finding(severity, subject, "seen", "do something"));
  }

  @Test
  void aHealthySystemExitsWithZeroThoughThereAreWarnings() throws Exception {
    found(Severity.WARNING, "umask");
    String table = shell.run("blksnap:doctor");
    assertTrue(table.contains("running: userspace"), table);
    assertTrue(table.contains("do something"), table);
  }

  @Test
  void theWorstIsPrintedFirstAndAnErrorIsTheExitStatus() {
    found(Severity.NOTE, "host");
    found(Severity.ERROR, "disk");
    found(Severity.WARNING, "umask");
    CommandException verdict =
        assertThrows(CommandException.class, () -> shell.run("blksnap:doctor --no-format"));
    assertEquals("1 of 4 findings are errors", verdict.getNiceHelp());
    List<String> first =
        shell.output.toString(StandardCharsets.UTF_8).lines().map(l -> l.split(" +")[0]).toList();
    assertEquals(List.of("ERROR", "WARNING", "NOTE", "OK"), first);
  }

  @Test
  void sickJsonIsStillJsonAlone() {
    found(Severity.ERROR, "disk");
    CommandException verdict =
        assertThrows(CommandException.class, () -> shell.run("blksnap:doctor --json"));
    assertEquals("", verdict.getNiceHelp());
    JsonArray rows =
        JsonParser.parseString(shell.output.toString(StandardCharsets.UTF_8)).getAsJsonArray();
    assertEquals("disk", rows.get(0).getAsJsonObject().get("subject").getAsString());
  }

  @Test
  void withoutADoctorItSaysWhichBundleToStart() {
    shell.loseServices();
    String line = shell.refused("blksnap:doctor");
    assertTrue(line.contains("org.blksnap.control"), line);
    assertTrue(line.contains("then start it"), line);
    assertTrue(line.endsWith("[ESHUTDOWN]"), line);
  }
}

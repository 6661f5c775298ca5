// SPDX-License-Identifier: Apache-2.0
package org.blksnap.shell.internal.command;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import java.nio.file.Path;
import java.util.Map;
import org.blksnap.api.snapshot.Parameter;
import org.blksnap.api.snapshot.SnapshotService;
import org.blksnap.shell.internal.lookup.FakeParameters;
import org.blksnap.shell.internal.lookup.TestShell;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ParameterCommandsTest {
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

  @Test
  void listNamesAllNineWithTheirRanges() throws Exception {
    JsonArray rows = shell.json("blksnap:parameter-list").getAsJsonArray();
    assertEquals(9, rows.size());
    JsonObject last = rows.get(8).getAsJsonObject();
    assertEquals("diff_storage_minimum", last.get("name").getAsString());
    assertEquals(2_097_152, last.get("value").getAsLong());
    assertEquals(8, last.get("minimum").getAsLong());
    assertEquals("at once", last.get("read").getAsString());
  }

  @Test
  void lastRefusalStandsWithItsParameter() throws Exception {
    shell.parameters.refusal = "chunk_minimum_shift = 99 refused";
    JsonArray rows = shell.json("blksnap:parameter-list").getAsJsonArray();
    assertTrue(rows.get(0).getAsJsonObject().get("last_refusal").isJsonNull());
    assertEquals(
        shell.parameters.refusal, rows.get(3).getAsJsonObject().get("last_refusal").getAsString());
    assertTrue(shell.run("blksnap:parameter-list").contains("last refusal: chunk_minimum_shift"));
  }

  @Test
  void setSaysWhenTheValueIsRead() throws Exception {
    assertEquals(
        "chunk_minimum_shift = 20 power of two, read when a snapshot is taken",
        shell.run("blksnap:parameter-set chunk_minimum_shift 20").trim());
    assertEquals(20, shell.parameters.value(Parameter.CHUNK_MINIMUM_SHIFT));
  }

  @Test
  void setRefusesABadValueWithItsRange() {
    String line = shell.refused("blksnap:parameter-set chunk_minimum_shift 99");
    assertTrue(line.contains("chunk_minimum_shift = 99 refused: allowed are 12 to 30"), line);
    assertTrue(line.endsWith("[EINVAL]"), line);
    assertTrue(
        shell.refused("blksnap:parameter-set chunk_minimum_shift abc").contains("not a whole"));
    assertEquals(18, shell.parameters.value(Parameter.CHUNK_MINIMUM_SHIFT));
  }

  @Test
  void setRefusesAnUnknownName() {
    assertTrue(shell.refused("blksnap:parameter-set no_such 1").contains("no such parameter"));
  }

  @Test
  void whatIsAllowedIsWhatTheNamedEngineAllows() throws Exception {
    FakeParameters kernel = new FakeParameters();
    kernel.largestShift = 28;
    shell.engines.addParameters(kernel, Map.of(SnapshotService.ENGINE, "kernel"));
    assertTrue(
        shell
            .refused("blksnap:parameter-set --engine kernel chunk_maximum_shift 29")
            .contains("allowed are 12 to 28 power of two"));
    shell.run("blksnap:parameter-set chunk_maximum_shift 29");
    assertEquals(29, shell.parameters.value(Parameter.CHUNK_MAXIMUM_SHIFT));
    JsonArray rows = shell.json("blksnap:parameter-list --engine kernel").getAsJsonArray();
    assertEquals(28, rows.get(5).getAsJsonObject().get("maximum").getAsLong());
    assertEquals(26, rows.get(5).getAsJsonObject().get("value").getAsLong());
  }
}

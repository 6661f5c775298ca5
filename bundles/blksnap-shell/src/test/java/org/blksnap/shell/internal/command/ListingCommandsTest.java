// SPDX-License-Identifier: Apache-2.0
package org.blksnap.shell.internal.command;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.blksnap.shell.internal.lookup.CommandClasses;
import org.blksnap.shell.internal.lookup.FakeEngine;
import org.blksnap.shell.internal.lookup.TestShell;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ListingCommandsTest {
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

  private void fill() throws Exception {
    shell.attach(Files.createFile(directory.resolve("disk")));
    shell.run("blksnap:snapshot disk");
  }

  @ParameterizedTest
  @ValueSource(strings = {"device-list", "snapshot-list", "image-list", "export-list"})
  void emptyListIsAnEmptyJsonArray(String command) throws Exception {
    assertEquals(new JsonArray(), shell.json("blksnap:" + command));
  }

  @ParameterizedTest
  @CsvSource({
    "device-list,name,disk",
    "snapshot-list,state,taken",
    "image-list,name,blksnap-image_7:0",
    "export-list,uri,nbd+unix:///disk",
    "parameter-list,name,tracking_block_minimum_shift",
    "version,version,2.0.0.0",
    "doctor,severity,OK"
  })
  void listIsAJsonArrayOfObjects(String command, String field, String value) throws Exception {
    fill();
    JsonArray rows = shell.json("blksnap:" + command).getAsJsonArray();
    assertEquals(value, rows.get(0).getAsJsonObject().get(field).getAsString());
  }

  @ParameterizedTest
  @CsvSource({
    "device-list,device capacity,1 MiB",
    "snapshot-list,storage filled,taken",
    "image-list,snapshot,blksnap-image_7:0",
    "export-list,uri,nbd+unix:///disk",
    "parameter-list,meaning,smallest tracking block",
    "version,engine,2.0.0.0",
    "doctor,observation,running"
  })
  void listIsATableWithHeadersForPeople(String command, String header, String cell)
      throws Exception {
    fill();
    String table = shell.run("blksnap:" + command);
    assertTrue(table.contains(header), table);
    assertTrue(table.contains(cell), table);
    String plain = shell.run("blksnap:" + command + " --no-format");
    assertFalse(plain.lines().findFirst().orElse("").contains(header), plain);
    assertTrue(plain.contains(cell), plain);
  }

  @ParameterizedTest
  @ValueSource(strings = {"device-list", "snapshot-list", "image-list", "export-list", "node-list"})
  void listOfAnAbsentServiceSaysWhatToDo(String command) {
    shell.loseServices();
    String line = shell.refused("blksnap:" + command + " --json");
    assertTrue(line.contains("is not running"), line);
    assertTrue(line.contains("scr:list") && line.endsWith("[ESHUTDOWN]"), line);
  }

  @Test
  void everyCommandIsListedWithItsDescription() throws Exception {
    List<String> listed =
        shell.json("blksnap:command-list").getAsJsonArray().asList().stream()
            .map(row -> row.getAsJsonObject().get("command").getAsString())
            .toList();
    assertEquals(CommandClasses.commandNames(), listed);
  }

  @Test
  void sizesAreNumbersOfBytesForPrograms() throws Exception {
    fill();
    JsonObject device = shell.json("blksnap:device-list").getAsJsonArray().get(0).getAsJsonObject();
    assertEquals(FakeEngine.CAPACITY, device.get("device_capacity").getAsLong());
    assertEquals(1000, device.get("gate_last_ns").getAsLong());
    assertTrue(device.get("snapshot").isJsonNull());
    assertFalse(device.get("read_only").getAsBoolean());
  }

  @Test
  void engineThatIsAbsentIsRefusedByName() {
    String line = shell.refused("blksnap:device-list --engine kernel");
    assertTrue(line.startsWith("the kernel engine is not running"), line);
    assertTrue(line.contains("[userspace]"), line);
  }
}

// SPDX-License-Identifier: Apache-2.0
package org.blksnap.shell.internal.command;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.UUID;
import org.blksnap.api.block.ByteRange;
import org.blksnap.shell.internal.lookup.FakeChangeMap;
import org.blksnap.shell.internal.lookup.FakeDevice;
import org.blksnap.shell.internal.lookup.FakeEngine;
import org.blksnap.shell.internal.lookup.TestShell;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CbtCommandsTest {
  @TempDir Path directory;
  private TestShell shell;
  private FakeDevice disk;

  @BeforeEach
  void open() throws Exception {
    shell = new TestShell();
    disk = shell.attach(Files.createFile(directory.resolve("disk")));
  }

  @AfterEach
  void close() {
    shell.close();
  }

  @Test
  void infoHasTheModulesFieldNames() throws Exception {
    JsonObject info = shell.json("blksnap:cbt-info disk").getAsJsonObject();
    assertEquals(FakeEngine.CAPACITY, info.get("device_capacity").getAsLong());
    assertEquals(65536, info.get("block_size").getAsInt());
    assertEquals(16, info.get("block_count").getAsInt());
    assertEquals(FakeChangeMap.GENERATION.toString(), info.get("generation_id").getAsString());
    assertEquals(2, info.get("changes_number").getAsInt());
    assertEquals("FIRST_ATTACH", info.get("reason").getAsString());
  }

  @Test
  void infoIsATableForPeople() throws Exception {
    String table = shell.run("blksnap:cbt-info disk");
    assertTrue(table.contains("attached for the first time") && table.contains("64 KiB"), table);
  }

  @Test
  void infoOfACorruptedMapIsRefused() {
    disk.changes.corrupted = true;
    assertEquals("the map is damaged [EFAULT]", shell.refused("blksnap:cbt-info disk"));
  }

  @Test
  void mapCoversTheWholeDeviceInTheWordsOfNbdinfo() throws Exception {
    disk.changes.bytes[0] = 1;
    disk.changes.bytes[2] = 2;
    disk.changes.bytes[3] = 2;
    assertEquals(
        JsonParser.parseString(
            """
            [
            { "offset": 0, "length": 131072, "type": 0, "description": "clean"},
            { "offset": 131072, "length": 131072, "type": 1, "description": "dirty"},
            { "offset": 262144, "length": 786432, "type": 0, "description": "clean"}
            ]
            """),
        shell.json("blksnap:cbt-map disk"));
  }

  @Test
  void mapSinceAnOlderNumberNamesMore() throws Exception {
    disk.changes.changesNumber = 3;
    disk.changes.bytes[0] = 2;
    disk.changes.bytes[15] = 3;
    assertEquals(2, shell.json("blksnap:cbt-map disk").getAsJsonArray().size());
    assertEquals(3, shell.json("blksnap:cbt-map disk --since 1").getAsJsonArray().size());
  }

  @Test
  void mapWithoutATakeBeforeTheLastIsAllDirtyAndSaysWhy() throws Exception {
    for (int number = 0; number <= 1; number++) {
      disk.changes.changesNumber = number;
      assertEquals(
          JsonParser.parseString("[{offset:0,length:1048576,type:1,description:dirty}]"),
          shell.json("blksnap:cbt-map disk"));
      String table = shell.run("blksnap:cbt-map disk");
      assertTrue(table.contains("everything has to be read: number 0 is no take"), table);
      assertTrue(table.contains("attached for the first time"), table);
    }
  }

  @Test
  void mapSinceTheBeginningOfANamedGenerationIsExact() throws Exception {
    disk.changes.changesNumber = 1;
    disk.changes.bytes[15] = 1;
    String named = "blksnap:cbt-map disk --since 0 --generation " + FakeChangeMap.GENERATION;
    assertEquals(2, shell.json(named).getAsJsonArray().size());
  }

  @Test
  void mapOfAnotherGenerationIsAllDirtyAndSaysWhy() throws Exception {
    String other = " --generation " + UUID.randomUUID();
    String table = shell.run("blksnap:cbt-map disk" + other);
    assertTrue(table.contains("everything has to be read: generation"), table);
    assertEquals(
        JsonParser.parseString("[{offset:0,length:1048576,type:1,description:dirty}]"),
        shell.json("blksnap:cbt-map disk" + other));
  }

  @Test
  void mapRefusesANumberAndAGenerationThatCannotBe() {
    assertTrue(shell.refused("blksnap:cbt-map disk --since 256").endsWith("[EINVAL]"));
    assertTrue(shell.refused("blksnap:cbt-map disk --generation x").contains("not a UUID"));
  }

  @Test
  void mapOfAnImageIsThatOfItsDevice() throws Exception {
    shell.run("blksnap:snapshot disk");
    disk.changes.bytes[0] = 2;
    assertEquals(
        shell.json("blksnap:cbt-map disk"), shell.json("blksnap:cbt-map blksnap-image_7:0"));
  }

  @Test
  void rawMapIsAHexDumpWithEqualLinesFolded() throws Exception {
    shell.run("blksnap:device-detach disk");
    FakeDevice large = new FakeDevice(disk.request(), 100L * FakeChangeMap.BLOCK);
    large.changes.bytes[1] = (byte) 0xfe;
    large.changes.bytes[99] = 7;
    shell.engine.devices.put("disk", large);
    assertEquals(
        """
        00000000  00 fe 00 00 00 00 00 00 00 00 00 00 00 00 00 00
        00000010  00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
        *
        00000060  00 00 00 07
        00000064
        """,
        shell.run("blksnap:cbt-map --raw disk"));
  }

  @Test
  void markDirtyTakesRangesInAnyUnit() throws Exception {
    shell.run("blksnap:cbt-mark-dirty disk 0:4K 2s:1s 65536:512");
    assertEquals(
        List.of(new ByteRange(0, 4096), new ByteRange(1024, 512), new ByteRange(65536, 512)),
        disk.changes.marked);
  }

  @Test
  void markDirtyRefusesARangeOutsideTheDevice() {
    assertTrue(shell.refused("blksnap:cbt-mark-dirty disk 0:2M").endsWith("[EINVAL]"));
    assertTrue(disk.changes.marked.isEmpty());
  }

  @Test
  void restartPrintsTheNewMap() throws Exception {
    JsonObject info = shell.json("blksnap:cbt-restart disk").getAsJsonObject();
    assertEquals(0, info.get("changes_number").getAsInt());
    assertEquals(FakeChangeMap.GENERATION.toString(), info.get("generation_id").getAsString());
    assertTrue(shell.refused("blksnap:cbt-restart nothing").endsWith("[ENODEV]"));
  }
}

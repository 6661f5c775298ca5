// SPDX-License-Identifier: Apache-2.0
package org.blksnap.shell.internal.command;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.shell.internal.lookup.TestShell;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class WholeSnapshotTest {
  @TempDir Path directory;
  private TestShell shell;

  @BeforeEach
  void open() throws Exception {
    shell = new TestShell();
    shell.attach(Files.createFile(directory.resolve("disk")));
    shell.attach(Files.createFile(directory.resolve("log")));
  }

  @AfterEach
  void close() {
    shell.close();
  }

  @Test
  void whatWasTakenSaysWhereItIsServed() throws Exception {
    JsonObject taken = shell.json("blksnap:snapshot disk log").getAsJsonObject();
    List<String> uris =
        taken.get("uris").getAsJsonArray().asList().stream().map(u -> u.getAsString()).toList();
    List<String> images =
        taken.get("images").getAsJsonArray().asList().stream()
            .map(i -> "nbd+unix:///" + i.getAsString())
            .toList();
    assertEquals(2, images.size());
    assertEquals(images, uris);
  }

  @Test
  void snapshotDoesAllStepsWithTheStorageThatTheEngineChooses() throws Exception {
    JsonObject taken = shell.json("blksnap:snapshot disk log").getAsJsonObject();
    assertEquals(shell.last().id().toString(), taken.get("id").getAsString());
    assertEquals(List.of("disk", "log"), shell.last().devices());
    assertEquals(List.of("directory null 0"), shell.last().given);
  }

  @Test
  void snapshotTakesAPlaceOfOnesChoice() throws Exception {
    shell.run("blksnap:snapshot --directory " + directory + " --limit 8G disk");
    assertEquals(List.of("directory " + directory + " " + (8L << 30)), shell.last().given);
    shell.run("blksnap:snapshot --storage /dev/x log");
    assertEquals(List.of("path /dev/x []"), shell.last().given);
    assertTrue(
        shell.refused("blksnap:snapshot --storage /dev/x --memory 1M disk").endsWith("[EINVAL]"));
    assertTrue(shell.refused("blksnap:snapshot --memory 1M --limit 1M disk").endsWith("[EINVAL]"));
    assertEquals(2, shell.engine.snapshots.size());
  }

  @Test
  void snapshotThatFailsLeavesNothingBehind() throws Exception {
    shell.engine.takeFailure = new BlksnapException(Errno.EIO, "the storage failed");
    assertEquals("the storage failed [EIO]", shell.refused("blksnap:snapshot disk"));
    assertTrue(shell.refused("blksnap:snapshot disk disk").endsWith("[EALREADY]"));
    assertTrue(shell.refused("blksnap:snapshot disk nothing").endsWith("[ENODEV]"));
    assertTrue(shell.engine.snapshots.isEmpty());
  }
}

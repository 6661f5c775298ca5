// SPDX-License-Identifier: Apache-2.0
package org.blksnap.shell.internal.command;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.blksnap.api.node.NodeRequest;
import org.blksnap.shell.internal.lookup.TestShell;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class NodeCommandsTest {
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
  void connectPassesEveryOption() throws Exception {
    shell.run("blksnap:node-connect disk /dev/nbd3 --timeout 30s --connections 4");
    shell.run("blksnap:node-connect --timeout=1m other");
    assertEquals(
        List.of(
            new NodeRequest("disk", Optional.of("/dev/nbd3"), 4, Duration.ofSeconds(30)),
            NodeRequest.of("other").timeout(Duration.ofMinutes(1))),
        shell.nodes.requests);
  }

  @Test
  void connectAsksForOneConnectionAndTenMinutes() throws Exception {
    shell.run("blksnap:node-connect disk");
    assertEquals(
        new NodeRequest("disk", Optional.empty(), 1, Duration.ofMinutes(10)),
        shell.nodes.requests.get(0));
  }

  @Test
  void partsOfASecondAreRefused() {
    String line = shell.refused("blksnap:node-connect disk --timeout 1500ms");
    assertTrue(line.contains("1500ms") && line.endsWith("[EINVAL]"), line);
  }

  @Test
  void nodesAreShownToPeopleAndPrograms() throws Exception {
    assertTrue(shell.run("blksnap:node-list").contains("blksnap:node-connect EXPORT"));
    shell.run("blksnap:node-connect disk");
    String table = shell.run("blksnap:node-list");
    assertTrue(table.contains("/dev/nbd0") && table.contains("1 MiB"), table);
    JsonObject node = shell.json("blksnap:node-list").getAsJsonArray().get(0).getAsJsonObject();
    assertEquals(
        List.of(
            "node",
            "export",
            "kind",
            "state",
            "size",
            "read_only",
            "connections",
            "link",
            "detail"),
        List.copyOf(node.keySet()));
    assertEquals("connected", node.get("state").getAsString());
    assertTrue(node.get("link").isJsonNull());
  }

  @Test
  void disconnectSaysWhatItDid() throws Exception {
    shell.run("blksnap:node-connect disk");
    assertEquals("disconnected /dev/nbd0\n", shell.run("blksnap:node-disconnect disk"));
    shell.run("blksnap:node-connect disk");
    JsonObject gone = shell.json("blksnap:node-disconnect /dev/nbd0").getAsJsonObject();
    assertEquals("disk", gone.get("export").getAsString());
    assertTrue(shell.nodes.nodes.isEmpty());
  }

  @Test
  void aNodeInUseGoesByForceAlone() throws Exception {
    shell.run("blksnap:node-connect disk");
    shell.nodes.busy = true;
    assertTrue(shell.refused("blksnap:node-disconnect disk").endsWith("[EBUSY]"));
    shell.run("blksnap:node-disconnect disk --force");
    assertTrue(shell.nodes.nodes.isEmpty());
  }
}

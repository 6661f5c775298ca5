// SPDX-License-Identifier: Apache-2.0
package org.blksnap.shell.internal.command;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.UUID;
import org.blksnap.api.snapshot.AttachRequest;
import org.blksnap.shell.internal.lookup.FakeDevice;
import org.blksnap.shell.internal.lookup.FakeEngine;
import org.blksnap.shell.internal.lookup.TestShell;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DeviceCommandsTest {
  @TempDir Path directory;
  private Path disk;
  private TestShell shell;

  @BeforeEach
  void open() throws Exception {
    disk = Files.createFile(directory.resolve("disk.img"));
    shell = new TestShell();
  }

  @AfterEach
  void close() {
    shell.close();
  }

  @Test
  void attachPassesEveryOption() throws Exception {
    shell.run("blksnap:device-attach --name d --read-only --force --durable --once " + disk);
    assertEquals(
        AttachRequest.of(disk)
            .named("d")
            .readOnly(true)
            .force(true)
            .durable(true)
            .persistent(false),
        shell.engine.devices.get("d").request());
  }

  @Test
  void attachPrintsTheDeviceAsJson() throws Exception {
    JsonObject device = shell.json("blksnap:device-attach --name d " + disk).getAsJsonObject();
    assertEquals("d", device.get("name").getAsString());
    assertTrue(device.get("persistent").getAsBoolean());
  }

  @Test
  void attachPrintsTheDeviceAsATable() throws Exception {
    String table = shell.run("blksnap:device-attach --name d " + disk);
    assertTrue(table.contains("device capacity") && table.contains("1 MiB"), table);
  }

  @Test
  void attachOfAnAbsentPathIsOneLineWithItsErrno() {
    String line = shell.refused("blksnap:device-attach /no/such");
    assertEquals("path /no/such refused: no such file; give one that exists [ENOENT]", line);
  }

  @Test
  void detachFindsTheDeviceByItsPath() throws Exception {
    shell.attach(disk);
    assertEquals("detached disk.img", shell.run("blksnap:device-detach " + disk).trim());
    assertTrue(shell.engine.devices.isEmpty());
  }

  @Test
  void detachOfAHeldDeviceIsRefused() throws Exception {
    shell.attach(disk).snapshot = Optional.of(UUID.randomUUID());
    assertTrue(shell.refused("blksnap:device-detach disk.img").endsWith("[EBUSY]"));
  }

  @Test
  void detachOfAnUnknownDeviceSaysWhereToLook() {
    String line = shell.refused("blksnap:device-detach nothing");
    assertTrue(line.contains("blksnap:device-list") && line.endsWith("[ENODEV]"), line);
  }

  @Test
  void rescanTellsWhetherTheCapacityChanged() throws Exception {
    FakeDevice device = shell.attach(disk);
    assertTrue(shell.run("blksnap:device-rescan disk.img").contains("still 1048576 bytes"));
    device.grown = 512;
    assertTrue(shell.run("blksnap:device-rescan disk.img").contains("now 1049088 bytes"));
  }

  @Test
  void deviceKnownToTwoEnginesNeedsAChoice() throws Exception {
    FakeEngine kernel = new FakeEngine();
    shell.addEngine("kernel", kernel);
    shell.attach(disk);
    kernel.attach(AttachRequest.of(disk));
    assertTrue(shell.refused("blksnap:device-detach disk.img").contains("--engine"));
    shell.run("blksnap:device-detach --engine kernel disk.img");
    assertTrue(kernel.devices.isEmpty());
    assertFalse(shell.engine.devices.isEmpty());
  }

  @Test
  void userspaceEngineIsTheOneAttachedTo() throws Exception {
    FakeEngine kernel = new FakeEngine();
    shell.addEngine("kernel", kernel);
    shell.run("blksnap:device-attach " + disk);
    assertTrue(kernel.devices.isEmpty());
    assertFalse(shell.engine.devices.isEmpty());
  }

  @Test
  void optionsMayFollowArguments() throws Exception {
    shell.run("blksnap:device-attach " + disk + " --name d --read-only");
    assertTrue(shell.engine.devices.get("d").request().readOnly());
    assertTrue(shell.refused("blksnap:device-detach d --nothing").contains("no such option"));
    assertTrue(shell.refused("blksnap:device-detach d e").contains("too many arguments"));
    assertTrue(shell.refused("blksnap:device-detach d --engine").contains("needs a value"));
    assertTrue(shell.refused("blksnap:cbt-map d --since x").contains("a whole number"));
    assertFalse(shell.engine.devices.isEmpty());
  }

  @Test
  void optionsHaveTheSameFormsOnBothSidesOfTheArguments() throws Exception {
    shell.run("blksnap:device-attach --name=before " + disk);
    shell.run("blksnap:device-attach " + disk + " --name=behind --durable --read-only=false");
    assertTrue(shell.engine.devices.containsKey("before"));
    assertTrue(shell.engine.devices.get("behind").request().durable());
    assertFalse(shell.engine.devices.get("behind").request().readOnly());
    assertTrue(
        shell
            .refused("blksnap:device-attach " + disk + " --durable=maybe")
            .contains("true or false"));
  }

  @Test
  void aDoubleDashEndsTheOptionsOnBothSides() throws Exception {
    shell.run("blksnap:device-attach --name=d -- " + disk);
    assertTrue(shell.engine.devices.containsKey("d"));
    assertTrue(shell.refused("blksnap:device-detach -- --name").contains("--name"));
    assertTrue(shell.refused("blksnap:device-detach d -- --json").contains("too many arguments"));
    shell.run("blksnap:device-detach d --");
    assertTrue(shell.engine.devices.isEmpty());
  }

  @Test
  void attachSaysWhereTheDeviceIsServed() throws Exception {
    String shown = shell.run("blksnap:device-attach --name d " + disk);
    assertTrue(shown.contains("served at nbd+unix:///d"), shown);
  }
}

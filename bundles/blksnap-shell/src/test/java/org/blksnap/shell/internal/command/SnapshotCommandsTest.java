// SPDX-License-Identifier: Apache-2.0
package org.blksnap.shell.internal.command;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.UUID;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.shell.internal.lookup.FakeSnapshot;
import org.blksnap.shell.internal.lookup.TestShell;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SnapshotCommandsTest {
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
  void createPrintsTheIdAlone() throws Exception {
    String id = shell.run("blksnap:snapshot-create").trim();
    assertEquals(shell.last().id().toString(), id);
  }

  @Test
  void createPrintsTheIdAsJson() throws Exception {
    JsonObject created = shell.json("blksnap:snapshot-create").getAsJsonObject();
    assertEquals(shell.last().id().toString(), created.get("id").getAsString());
  }

  @Test
  void stepsOneByOneTakeASnapshot() throws Exception {
    FakeSnapshot snapshot = shell.create();
    shell.run("blksnap:snapshot-add " + snapshot.id() + " disk log");
    shell.run("blksnap:snapshot-append-storage --memory 1M " + snapshot.id());
    JsonObject taken = shell.json("blksnap:snapshot-take " + snapshot.id()).getAsJsonObject();
    assertEquals(List.of("disk", "log"), snapshot.devices());
    assertEquals(2, taken.get("images").getAsJsonArray().size());
    assertTrue(taken.get("crash_consistent").getAsBoolean());
    assertEquals("mysql was late", taken.get("warnings").getAsJsonArray().get(0).getAsString());
    assertEquals(250_000, taken.get("held_ns").getAsLong());
  }

  @Test
  void beginningOfAnIdIsEnoughWhereItIsTheOnlyOne() throws Exception {
    FakeSnapshot first = shell.create();
    shell.create();
    shell.run("blksnap:snapshot-add " + first.id().toString().substring(0, 4) + " disk");
    assertEquals(List.of("disk"), first.devices());
    assertTrue(shell.refused("blksnap:snapshot-add 1 disk").contains("2 snapshots begin so"));
  }

  @Test
  void unknownSnapshotIsEsrch() {
    assertTrue(shell.refused("blksnap:snapshot-take beef").endsWith("[ESRCH]"));
    assertTrue(shell.refused("blksnap:snapshot-info beef").endsWith("[ESRCH]"));
  }

  @Test
  void deviceAddedTwiceIsRefused() throws Exception {
    FakeSnapshot snapshot = shell.create();
    assertTrue(
        shell
            .refused("blksnap:snapshot-add " + snapshot.id() + " disk disk")
            .endsWith("[EALREADY]"));
  }

  @Test
  void messageOfSeveralLinesBecomesOne() throws Exception {
    FakeSnapshot snapshot = shell.create();
    String line = shell.refused("blksnap:snapshot-take " + snapshot.id());
    assertEquals(1, line.lines().count());
    assertTrue(line.endsWith("no storage; give some first [EFAULT]"), line);
  }

  @Test
  void storageIsAPathWithRangesADirectoryOrMemory() throws Exception {
    FakeSnapshot snapshot = shell.create();
    String append = "blksnap:snapshot-append-storage ";
    shell.run(append + snapshot.id() + " /dev/x 0:1M 4096s:8s");
    shell.run(append + "--directory /var/d --limit 2G " + snapshot.id());
    shell.run(append + snapshot.id() + " --memory 64M");
    assertEquals(
        List.of(
            "path /dev/x [ByteRange[offset=0, length=1048576],"
                + " ByteRange[offset=2097152, length=4096]]",
            "directory /var/d 2147483648",
            "memory 67108864"),
        snapshot.given);
  }

  @Test
  void snapshotsHaveALabelAndAnOrphanIsToldWithTheCommandThatFreesIt() throws Exception {
    shell.run("blksnap:snapshot disk --memory 1M --label nightly");
    FakeSnapshot snapshot = shell.last();
    assertEquals("nightly", snapshot.label());
    assertTrue(
        shell.refused("blksnap:snapshot log --label " + "x".repeat(257)).endsWith("[EINVAL]"));
    assertFalse(shell.run("blksnap:snapshot-list").contains("orphan:"));
    snapshot.orphaned = true;
    String listed = shell.run("blksnap:snapshot-list");
    assertTrue(listed.contains("free it with blksnap:snapshot-destroy " + snapshot.id()), listed);
    String forPrograms = shell.run("blksnap:snapshot-list --json").strip();
    assertTrue(forPrograms.endsWith("]"), forPrograms);
    assertTrue(forPrograms.contains("\"orphaned\": true"), forPrograms);
  }

  @Test
  void storageWithALimitAloneGrowsWhereTheEngineChooses() throws Exception {
    FakeSnapshot snapshot = shell.create();
    shell.run("blksnap:snapshot-append-storage " + snapshot.id() + " --limit 1G");
    assertEquals(List.of("directory null 1073741824"), snapshot.given);
  }

  @Test
  void storageWithoutAPlaceOrWithTwoIsRefused() throws Exception {
    FakeSnapshot snapshot = shell.create();
    String append = "blksnap:snapshot-append-storage ";
    for (String wrong :
        List.of(
            "",
            "--memory 1M --directory /x --limit 1G ",
            "--directory /x ",
            "--memory 1M --limit 1G ")) {
      assertTrue(shell.refused(append + wrong + snapshot.id()).endsWith("[EINVAL]"), wrong);
    }
    assertEquals(List.of(), snapshot.given);
  }

  @Test
  void infoNamesStorageAndImages() throws Exception {
    shell.run("blksnap:snapshot --memory 1M disk");
    JsonObject info = shell.json("blksnap:snapshot-info " + shell.last().id()).getAsJsonObject();
    assertEquals(1 << 20, info.get("storage_capacity").getAsLong());
    JsonObject image = info.get("images").getAsJsonArray().get(0).getAsJsonObject();
    assertEquals("blksnap-image_7:0", image.get("image").getAsString());
    assertEquals(4096, image.get("saved_bytes").getAsLong());
    assertEquals(0, image.get("error_code").getAsInt());
    String table = shell.run("blksnap:snapshot-info " + shell.last().id());
    assertTrue(table.contains("storage parts") && table.contains("saved chunks"), table);
  }

  @Test
  void sizeOfNothingIsRefusedAndNotTakenForTheDefault() throws Exception {
    assertEquals(
        "--memory 0 refused: allowed are sizes above 0 [EINVAL]",
        shell.refused("blksnap:snapshot --memory 0 disk"));
    assertEquals(
        "--limit 0K refused: allowed are sizes above 0 [EINVAL]",
        shell.refused("blksnap:snapshot --limit 0K disk"));
    assertTrue(shell.engine.snapshots.isEmpty());
    FakeSnapshot snapshot = shell.create();
    String append = "blksnap:snapshot-append-storage " + snapshot.id();
    assertTrue(shell.refused(append + " --memory 0").endsWith("[EINVAL]"));
    assertTrue(shell.refused(append + " --directory /var/d --limit 0").endsWith("[EINVAL]"));
    assertEquals(List.of(), snapshot.given);
  }

  @Test
  void destroyTakesIdsOrAll() throws Exception {
    FakeSnapshot first = shell.create();
    shell.create();
    shell.create();
    shell.run("blksnap:snapshot-destroy " + first.id());
    assertEquals(2, shell.engine.snapshots.size());
    shell.run("blksnap:snapshot-destroy --all");
    assertEquals(0, shell.engine.snapshots.size());
    assertEquals("", shell.run("blksnap:snapshot-destroy --all"));
  }

  @Test
  void destroyOfAnUnknownSnapshotIsEnodevAndOtherCommandsSayEsrch() throws Exception {
    UUID unknown = UUID.randomUUID();
    assertTrue(shell.refused("blksnap:snapshot-destroy " + unknown).endsWith("[ENODEV]"));
    assertTrue(shell.refused("blksnap:snapshot-take " + unknown).endsWith("[ESRCH]"));
  }

  @Test
  void destroyNeedsExactlyOneOfIdsAndAll() throws Exception {
    FakeSnapshot first = shell.create();
    assertTrue(shell.refused("blksnap:snapshot-destroy").endsWith("[EINVAL]"));
    assertTrue(shell.refused("blksnap:snapshot-destroy --all " + first.id()).endsWith("[EINVAL]"));
    assertEquals(1, shell.engine.snapshots.size());
  }

  @Test
  void destroyGoesOnAfterAFailureAndTellsIt() throws Exception {
    FakeSnapshot stuck = shell.create();
    shell.create();
    stuck.destroyFailure = new BlksnapException(Errno.EBUSY, "an image is open");
    assertEquals("an image is open [EBUSY]", shell.refused("blksnap:snapshot-destroy --all"));
    assertEquals(List.of(stuck.id()), shell.engine.collect());
  }
}

// SPDX-License-Identifier: Apache-2.0
package org.blksnap.shell.internal.doctor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonParser;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.karaf.shell.support.CommandException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.health.Finding;
import org.blksnap.api.snapshot.StorageStatus;
import org.blksnap.shell.internal.lookup.FakeDevice;
import org.blksnap.shell.internal.lookup.FakeSnapshot;
import org.blksnap.shell.internal.lookup.TestShell;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DoctorTest {
  @TempDir Path directory;
  private TestShell shell;
  private FakeDevice disk;

  @BeforeEach
  void open() throws Exception {
    shell = new TestShell(directory);
    disk = shell.attach(Files.createFile(directory.resolve("disk")));
  }

  @AfterEach
  void close() {
    shell.close();
  }

  private FakeSnapshot snapshot() throws Exception {
    shell.run("blksnap:snapshot disk --memory 1M");
    return shell.engine.snapshots.values().iterator().next();
  }

  /** What the doctor prints although it fails. */
  private String sick(String options) {
    assertThrows(CommandException.class, () -> shell.run("blksnap:doctor " + options));
    return shell.output.toString(StandardCharsets.UTF_8);
  }

  @Test
  void healthySystemHasNoErrorAndExitsWithZero() throws Exception {
    snapshot();
    String table = shell.run("blksnap:doctor");
    assertTrue(table.contains("device disk"), table);
  }

  @Test
  void absentEngineIsAnError() {
    shell.loseServices();
    assertTrue(sick("").contains("no engine is running"));
  }

  @Test
  void overflownSnapshotIsAnErrorWithItsRemedy() throws Exception {
    FakeSnapshot snapshot = snapshot();
    snapshot.imageError = Errno.ENOSPC;
    snapshot.storage = new StorageStatus(2048 * 512, 2048 * 512, 4096 * 512, 0, true, List.of());
    String table = sick("--no-format");
    assertTrue(table.contains("no range left [ENOSPC]"), table);
    assertTrue(table.contains("overflown: its storage of 1 MiB is full"), table);
    assertTrue(table.contains("blksnap:snapshot-destroy " + snapshot.id()), table);
  }

  @Test
  void aFullStorageWhoseImageStillLivesAsksForMoreAtOnce() throws Exception {
    FakeSnapshot snapshot = snapshot();
    snapshot.storage = new StorageStatus(2048 * 512, 2048 * 512, 4096 * 512, 0, true, List.of());
    String table = sick("--no-format");
    assertTrue(table.contains("its storage of 1 MiB is full"), table);
    assertTrue(table.contains("blksnap:snapshot-append-storage " + snapshot.id()), table);
    assertFalse(table.contains("blksnap:snapshot-destroy"), table);
  }

  @Test
  void lostStorageIsNotToldToBeFull() throws Exception {
    FakeSnapshot snapshot = snapshot();
    snapshot.imageError = Errno.EIO;
    snapshot.imageDetail = "its storage in memory ended with the process";
    snapshot.storage = new StorageStatus(0, 0, 4096 * 512, 0, true, List.of());
    String table = sick("--no-format");
    assertTrue(table.contains("ended with the process [EIO]"), table);
    assertFalse(table.contains("overflown") || table.contains("low on space"), table);
  }

  @Test
  void sickJsonIsStillJsonAloneWithErrorsFirst() {
    disk.condition = "waits for its provider";
    CommandException verdict =
        assertThrows(CommandException.class, () -> shell.run("blksnap:doctor --json"));
    assertEquals("", verdict.getNiceHelp());
    assertEquals(
        "ERROR",
        JsonParser.parseString(shell.output.toString(StandardCharsets.UTF_8))
            .getAsJsonArray()
            .get(0)
            .getAsJsonObject()
            .get("severity")
            .getAsString());
  }

  @Test
  void theRemedyFitsTheCauseOfACorruption() throws Exception {
    FakeSnapshot snapshot = snapshot();
    snapshot.imageError = Errno.EIO;
    snapshot.imageDetail = "the device became smaller";
    String shrunk = sick("--no-format");
    assertTrue(shrunk.contains("the device became smaller [EIO]"), shrunk);
    assertFalse(shrunk.contains("more storage"), shrunk);
    snapshot.imageError = Errno.ENOSPC;
    assertTrue(sick("--no-format").contains("take a new one with more storage"));
  }

  @Test
  void nothingIsLookedAtTwice() throws Exception {
    snapshot();
    List<String> subjects =
        new Checkup(shell.engines).findings().stream().map(Finding::subject).toList();
    assertEquals(subjects.stream().distinct().toList(), subjects);
  }

  @Test
  void storageThatRunsLowIsAWarningThatNamesTheCommand() throws Exception {
    FakeSnapshot snapshot = snapshot();
    snapshot.storage = new StorageStatus(2048 * 512, 2000 * 512, 6144 * 512, 0, false, List.of());
    String table = shell.run("blksnap:doctor --no-format");
    assertTrue(table.contains("it asks for 3 MiB in all"), table);
    assertTrue(
        table.contains("blksnap:snapshot-append-storage " + snapshot.id() + " --limit 2097152s"),
        table);
  }

  @Test
  void storageNearItsLimitIsAWarning() throws Exception {
    snapshot().storage =
        new StorageStatus(1000 * 512, 950 * 512, 1000 * 512, 1000 * 512, false, List.of());
    assertTrue(shell.run("blksnap:doctor").contains("low on space"));
  }

  @Test
  void refusedParameterIsAWarning() throws Exception {
    shell.parameters.refusal = "chunk_minimum_shift = 99 refused: allowed are 12 to 30";
    assertTrue(shell.run("blksnap:doctor --no-format").contains("chunk_minimum_shift = 99"));
  }

  @Test
  void errnoOfACorruptedImageIsNamedOnce() throws Exception {
    FakeSnapshot snapshot = snapshot();
    snapshot.imageError = Errno.ENOSPC;
    String bare = sick("--no-format");
    assertTrue(bare.contains("no range left [ENOSPC]"), bare);
    snapshot.imageDetail = "old data could not be stored: full [ENOSPC]";
    String complete = sick("--no-format");
    assertTrue(complete.contains("full [ENOSPC]"), complete);
    assertFalse(complete.contains("[ENOSPC] [ENOSPC]"), complete);
  }

  @Test
  void corruptedChangeMapIsAnError() {
    disk.changes.corrupted = true;
    assertTrue(sick("--no-format").contains("the map is damaged"));
  }

  @Test
  void findingsOfOtherBundlesAreShown() throws Exception {
    shell.addExamination(
        () -> List.of(new Finding(Finding.Severity.NOTE, "host", "no CAP_SYS_ADMIN", "be root")));
    assertTrue(shell.run("blksnap:doctor --no-format").contains("no CAP_SYS_ADMIN"));
  }

  @Test
  void examinationThatThrowsOrHangsIsAFinding() {
    CountDownLatch never = new CountDownLatch(1);
    shell.addExamination(
        () -> {
          throw new IllegalStateException("broken");
        });
    shell.addExamination(
        () -> {
          try {
            never.await();
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
          }
          return List.of();
        });
    List<String> seen =
        new Checkup(shell.engines, Duration.ofMillis(200))
            .findings().stream().map(Finding::observation).toList();
    assertTrue(seen.contains("java.lang.IllegalStateException: broken"), seen.toString());
    assertTrue(seen.contains("no answer within 200 ms"), seen.toString());
  }

  @Test
  void examinationThatHangsCostsOneThreadHoweverOftenTheDoctorIsCalled() throws Exception {
    CountDownLatch release = new CountDownLatch(1);
    AtomicInteger calls = new AtomicInteger();
    shell.addExamination(
        () -> {
          calls.incrementAndGet();
          while (release.getCount() > 0) {
            try {
              release.await();
            } catch (InterruptedException e) {
              // as one that waits for a lock would
            }
          }
          return List.of();
        });
    Checkup checkup = new Checkup(shell.engines, Duration.ofMillis(100));
    for (int doctor = 0; doctor < 3; doctor++) {
      List<String> seen = checkup.findings().stream().map(Finding::observation).toList();
      assertTrue(seen.stream().anyMatch(s -> s.contains("no answer")), seen.toString());
    }
    assertEquals(1, calls.get());
    release.countDown();
    while (calls.get() < 2) {
      checkup.findings();
    }
  }

  @Test
  void examinationThatAnswersNothingOfUseIsAFinding() {
    shell.addExamination(() -> null);
    shell.addExamination(() -> java.util.Arrays.asList((Finding) null));
    List<String> seen =
        new Checkup(shell.engines, Duration.ofSeconds(30))
            .findings().stream().map(Finding::observation).toList();
    assertEquals(
        2, seen.stream().filter(s -> s.contains("NullPointerException")).count(), seen.toString());
  }
}

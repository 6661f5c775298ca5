// SPDX-License-Identifier: Apache-2.0
package org.blksnap.control.internal.doctor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.health.Examination;
import org.blksnap.api.health.Examined;
import org.blksnap.api.health.Finding;
import org.blksnap.api.health.Finding.Severity;
import org.blksnap.api.snapshot.DeviceCondition;
import org.blksnap.api.snapshot.SnapshotService;
import org.junit.jupiter.api.Test;

class DoctorTest {
  private final SickHost host = SickHost.started();

  @Test
  void aHealthySystemHasNothingWorseThanOk() {
    for (Examined examined : host.doctor.examine()) {
      assertEquals(Severity.OK, examined.worst(), examined.toString());
      assertEquals(Examined.Outcome.ANSWERED, examined.outcome());
    }
    List<String> seen = host.findings().stream().map(DoctorTest::line).toList();
    assertEquals(
        List.of(
            "engines: running: userspace",
            "exports: running",
            "parameters: running",
            "device disk: /dev/disk, 1 MiB: ok",
            "snapshot " + SickHost.ID + ": taken, 4 KiB saved"),
        seen);
  }

  private static String line(Finding finding) {
    return finding.subject() + ": " + finding.observation();
  }

  @Test
  void absentServicesAreErrorsAndNothingServedIsAWarning() {
    List<Finding> findings = new SickHost().findings();
    assertEquals(
        List.of(
            "engines: no engine is running",
            "parameters: the service is not running",
            "exports: nothing is served over NBD"),
        findings.stream().map(DoctorTest::line).toList());
    assertEquals(
        List.of(Severity.ERROR, Severity.ERROR, Severity.WARNING),
        findings.stream().map(Finding::severity).toList());
  }

  @Test
  void overflownSnapshotIsAnErrorWithItsRemedy() {
    host.image(Errno.ENOSPC, "");
    host.storage(2048 * 512, 2048 * 512, 4096 * 512, 0, true);
    List<Finding> errors =
        host.findings().stream().filter(f -> f.severity() == Severity.ERROR).toList();
    assertTrue(errors.get(0).observation().endsWith("no space left [ENOSPC]"), errors.toString());
    assertEquals("overflown: its storage of 1 MiB is full", errors.get(1).observation());
    assertTrue(errors.get(1).remedy().contains("blksnap:snapshot-destroy " + SickHost.ID));
  }

  @Test
  void aFullStorageWhoseImageStillLivesAsksForMoreAtOnce() {
    host.storage(2048 * 512, 2048 * 512, 4096 * 512, 0, true);
    Finding error = host.only(Severity.ERROR);
    assertTrue(error.observation().startsWith("its storage of 1 MiB is full"), error.toString());
    assertTrue(error.remedy().contains("blksnap:snapshot-append-storage " + SickHost.ID));
    assertFalse(error.remedy().contains("blksnap:snapshot-destroy"));
  }

  @Test
  void lostStorageIsNotToldToBeFull() {
    host.image(Errno.EIO, "its storage in memory ended with the process");
    host.storage(0, 0, 4096 * 512, 0, true);
    String seen = host.only(Severity.ERROR).observation();
    assertTrue(seen.endsWith("ended with the process [EIO]"), seen);
  }

  @Test
  void theRemedyFitsTheCauseOfACorruption() {
    host.image(Errno.EIO, "the device became smaller");
    Finding shrunk = host.only(Severity.ERROR);
    assertTrue(shrunk.observation().endsWith("the device became smaller [EIO]"));
    assertFalse(shrunk.remedy().contains("more storage"));
    host.image(Errno.ENOSPC, "");
    assertTrue(host.only(Severity.ERROR).remedy().contains("take a new one with more storage"));
  }

  @Test
  void errnoOfACorruptedImageIsNamedOnce() {
    host.image(Errno.ENOSPC, "old data could not be stored: full [ENOSPC]");
    String seen = host.only(Severity.ERROR).observation();
    assertTrue(seen.endsWith("stored: full [ENOSPC]"), seen);
  }

  @Test
  void storageThatRunsLowIsAWarningThatNamesTheCommand() {
    host.storage(2048 * 512, 2000 * 512, 6144 * 512, 0, false);
    Finding warning = host.only(Severity.WARNING);
    assertEquals(
        "low on space: 1000 KiB filled of 1 MiB, it asks for 3 MiB in all", warning.observation());
    assertTrue(
        warning
            .remedy()
            .endsWith("blksnap:snapshot-append-storage " + SickHost.ID + " --limit 2097152s"),
        warning.remedy());
  }

  @Test
  void storageNearItsLimitIsAWarning() {
    host.storage(1000 * 512, 950 * 512, 1000 * 512, 1000 * 512, false);
    assertTrue(host.only(Severity.WARNING).observation().startsWith("low on space"));
  }

  @Test
  void anOrphanIsAWarningWithTheCommandThatFreesIt() {
    host.snapshot.put("orphaned", true);
    host.snapshot.put("owner", "org.vendor.backup");
    Finding warning = host.only(Severity.WARNING);
    assertTrue(warning.observation().startsWith("orphan: its owner org.vendor.backup"));
    assertTrue(warning.remedy().endsWith("blksnap:snapshot-destroy " + SickHost.ID));
  }

  @Test
  void aSnapshotThatIsDestroyedMeanwhileIsLeftOutAndAnotherFailureIsTold() {
    host.snapshot.put("info", new BlksnapException(Errno.ESRCH, "gone"));
    assertTrue(host.findings().stream().noneMatch(f -> f.subject().startsWith("snapshot")));
    host.snapshot.put("info", new BlksnapException(Errno.EIO, "not readable"));
    assertEquals("not readable [EIO]", host.only(Severity.ERROR).observation());
  }

  @Test
  void refusedParameterIsAWarning() {
    host.parameters.put("lastRefusal", Optional.of("chunk_minimum_shift = 99 refused"));
    assertEquals("chunk_minimum_shift = 99 refused", host.only(Severity.WARNING).observation());
  }

  @Test
  void aDeviceThatSuffersAndADamagedChangeMapAreErrors() {
    host.device.put("condition", DeviceCondition.AWAY);
    host.device.put("conditionDetail", "waits for its provider");
    assertEquals("waits for its provider", host.only(Severity.ERROR).observation());
    host.device.put("condition", DeviceCondition.OK);
    host.changes.put("info", new BlksnapException(Errno.EIO, "the map is damaged"));
    assertEquals("change map: the map is damaged [EIO]", host.only(Severity.ERROR).observation());
  }

  @Test
  void ofTwoServicesForOneEngineTheOneWithTheHigherRankingCounts() {
    Map<String, Object> next = new HashMap<>(host.engine);
    next.put("devices", List.of());
    FakeReference<SnapshotService> higher = SickHost.of(SnapshotService.class, "userspace", 100);
    host.doctor.addEngine(SickHost.answering(SnapshotService.class, next), higher);
    assertTrue(host.findings().stream().noneMatch(f -> f.subject().equals("device disk")));
    host.doctor.removeEngine(higher);
    assertTrue(host.findings().stream().anyMatch(f -> f.subject().equals("device disk")));
  }

  @Test
  void eachEngineIsLookedAtAndNamed() {
    host.doctor.addEngine(
        SickHost.answering(SnapshotService.class, host.engine),
        SickHost.of(SnapshotService.class, "kernel", 0));
    assertEquals("running: kernel, userspace", host.findings().get(0).observation());
    assertEquals(
        List.of(
            "services",
            "parameters",
            "devices of kernel",
            "snapshots of kernel",
            "devices of userspace",
            "snapshots of userspace"),
        host.doctor.examine().stream().map(Examined::subject).toList());
  }

  @Test
  void whatBundlesSayComesBehindInOrderOfItsSubjects() {
    host.add(saying("network"));
    host.add(saying("host"));
    List<Examined> all = host.doctor.examine();
    assertEquals("no CAP_SYS_ADMIN", all.get(all.size() - 2).findings().get(0).observation());
    assertEquals(
        List.of("host", "network"),
        all.subList(all.size() - 2, all.size()).stream().map(Examined::subject).toList());
  }

  private static Examination saying(String subject) {
    return new Examination() {
      @Override
      public String subject() {
        return subject;
      }

      @Override
      public List<Finding> examine() {
        return List.of(new Finding(Severity.NOTE, subject, "no CAP_SYS_ADMIN", "be root"));
      }
    };
  }
}

// SPDX-License-Identifier: Apache-2.0
package org.blksnap.tracker.internal;

import static org.blksnap.tracker.internal.TrackerBench.bytes;
import static org.blksnap.tracker.internal.TrackerBench.take;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.ByteRange;
import org.blksnap.api.block.Errno;
import org.blksnap.api.change.CbtInfo;
import org.blksnap.api.change.GenerationReason;
import org.blksnap.spi.tracker.Evidence;
import org.blksnap.spi.tracker.Tracker;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Why a generation begins, and when it does not, beyond what the contract says of all trackers. */
class GenerationTest {
  @TempDir Path directory;
  private TrackerBench bench;
  private CbtInfo before;

  @BeforeEach
  void setUp() {
    bench = new TrackerBench(directory);
  }

  /** Two takes, one mark in each epoch. */
  private Tracker used() throws Exception {
    Tracker tracker = bench.open();
    tracker.mark(0, 512);
    take(tracker, bench.capacity);
    tracker.mark(4096, 512);
    take(tracker, bench.capacity);
    before = tracker.info();
    return tracker;
  }

  private void assertGoesOn(Tracker tracker) throws Exception {
    assertEquals(before.generationId(), tracker.info().generationId());
    assertEquals(before.changesNumber(), tracker.info().changesNumber());
    assertEquals(1, bytes(tracker)[0]);
    assertEquals(2, bytes(tracker)[1]);
    tracker.handOver();
  }

  private void assertNew(Tracker tracker, GenerationReason reason, String detail) throws Exception {
    CbtInfo info = tracker.info();
    assertNotEquals(before == null ? null : before.generationId(), info.generationId());
    assertEquals(reason, info.reason());
    assertTrue(info.reasonDetail().contains(detail), info.reasonDetail());
    assertEquals(0, info.changesNumber());
    for (int value : bytes(tracker)) {
      assertEquals(0, value);
    }
    tracker.handOver();
  }

  @Test
  void aCleanCloseIsTrustedAlsoAfterAReboot() throws Exception {
    used().close("f1");
    bench.bootId = "boot-2";
    bench.evidence = Evidence.none("nobody left anything");
    assertGoesOn(bench.open());
  }

  @Test
  void aKillIsTrustedWhereTheDeviceIsAsItWasLeft() throws Exception {
    used();
    Tracker after = bench.killed().open();
    assertFalse(after.begunByOpening());
    assertGoesOn(after);
  }

  @Test
  void aKillIsTrustedWhateverTheClockSays() throws Exception {
    bench.clock.set(Long.MAX_VALUE / 2);
    used();
    TrackerBench after = bench.killed();
    after.clock.set(0);
    assertGoesOn(after.open());
  }

  @Test
  void aKillIsNotTrustedWhereNobodySawHowTheDeviceWasLeft() throws Exception {
    used();
    TrackerBench after = bench.killed();
    after.evidence = Evidence.none("its guardian was killed as well");
    Tracker next = after.open();
    assertTrue(next.begunByOpening());
    assertNew(next, GenerationReason.UNPROVEN, "its guardian was killed as well");
  }

  @Test
  void aFileHandedOverThatIsMissing() throws Exception {
    used().handOver();
    Files.delete(bench.file);
    bench.adopt = true;
    assertNew(bench.open(), GenerationReason.MAP_UNREADABLE, "missing");
  }

  @Test
  void resizeAtATake() throws Exception {
    Tracker tracker = used();
    take(tracker, bench.capacity + 512);
    assertEquals(65, tracker.info().blockCount());
    assertNew(tracker, GenerationReason.RESIZE, "262656");
  }

  @Test
  void resizeWhileDetached() throws Exception {
    used().close("f1");
    bench.capacity *= 2;
    assertNew(bench.open(), GenerationReason.RESIZE, "");
  }

  @Test
  void unclean() throws Exception {
    used();
    bench.bootId = "boot-2";
    assertNew(bench.open(), GenerationReason.UNCLEAN_POWER_LOSS, "boot-1");
  }

  private TrackerBench powerLost() {
    TrackerBench after = bench.killed();
    after.bootId = "boot-2";
    after.evidence = Evidence.none("power was lost");
    return after;
  }

  @Test
  void aPowerLossAtRestInDurableModeIsTrustedWhereTheDeviceIsTheSame() throws Exception {
    bench.durable = true;
    used().rest("f1");
    assertGoesOn(powerLost().open());
    TrackerBench other = powerLost();
    other.fingerprint = "f2";
    assertNew(other.open(), GenerationReason.CHANGED_WHILE_DETACHED, "f2");
  }

  @Test
  void whateverStirsADeviceAtRestTakesThatBack() throws Exception {
    bench.durable = true;
    Tracker tracker = used();
    List<org.junit.jupiter.api.function.Executable> changes =
        List.of(
            () -> tracker.mark(0, 512), // marked in this epoch before
            () -> tracker.mark(8192, 512),
            () -> tracker.markBoth(8192, 512),
            () -> tracker.markDirty(List.of(new ByteRange(0, 1))),
            () -> tracker.prepareTake(bench.capacity).abort(),
            () -> take(tracker, bench.capacity));
    tracker.mark(0, 512);
    for (org.junit.jupiter.api.function.Executable change : changes) {
      tracker.rest("f1");
      assertFalse(powerLost().open().begunByOpening());
      tracker.stirred();
      try {
        change.execute();
      } catch (Throwable e) {
        throw new AssertionError(e);
      }
      assertTrue(tracker.stirred());
      assertFalse(tracker.stirred());
      Tracker after = powerLost().open();
      assertEquals(GenerationReason.UNCLEAN_POWER_LOSS, after.info().reason());
      after.handOver();
    }
    tracker.handOver();
  }

  @Test
  void withoutDurableModeNothingRests() throws Exception {
    used().rest("f1");
    assertNew(powerLost().open(), GenerationReason.UNCLEAN_POWER_LOSS, "boot-1");
  }

  @Test
  void aPowerLossIsNotTrustedInDurableModeEither() throws Exception {
    bench.durable = true;
    used();
    bench.bootId = "boot-2";
    assertNew(bench.open(), GenerationReason.UNCLEAN_POWER_LOSS, "boot-1");
  }

  @Test
  void changedWhileDetachedAfterAKill() throws Exception {
    used();
    TrackerBench after = bench.killed();
    after.fingerprint = "f2";
    assertNew(after.open(), GenerationReason.CHANGED_WHILE_DETACHED, "f2");
  }

  @Test
  void changedWhileDetachedAfterACleanClose() throws Exception {
    used().close("f1");
    bench.fingerprint = "f2";
    assertNew(bench.open(), GenerationReason.CHANGED_WHILE_DETACHED, "f2");
  }

  @Test
  void theCleanFlagIsGoneOnceOpened() throws Exception {
    used().close("f1");
    bench.open();
    bench.bootId = "boot-2";
    assertNew(bench.open(), GenerationReason.UNCLEAN_POWER_LOSS, "");
  }

  @Test
  void anAbortedTakeChangesNothing() throws Exception {
    Tracker tracker = used();
    tracker.prepareTake(bench.capacity).abort();
    tracker.prepareTake(bench.capacity * 2).abort();
    assertFalse(Files.exists(directory.resolve("sda.cbt.new")));
    assertGoesOn(tracker);
  }

  @Test
  void renewTakesItsReason() throws Exception {
    Tracker tracker = used();
    tracker.renew(bench.capacity, GenerationReason.REQUESTED, "by hand");
    assertNew(tracker, GenerationReason.REQUESTED, "by hand");
    bench.adopt = true;
    Tracker next = bench.open();
    assertEquals(GenerationReason.REQUESTED, next.info().reason());
    next.handOver();
  }

  @Test
  void aMapThatCannotReachItsPlaceIsNeverTakenForTheOldOne() throws Exception {
    Tracker tracker = used();
    Tracker.PreparedTake take = tracker.prepareTake(bench.capacity * 2);
    Files.delete(directory.resolve("sda.cbt.new"));
    take.commit();
    assertEquals(GenerationReason.RESIZE, tracker.info().reason());
    TrackerBench after = bench.killed();
    assertNew(after.open(), GenerationReason.MAP_CORRUPTED, "newer map");
  }

  @Test
  void aPreparedMapLeftBehindByAKillIsIgnored() throws Exception {
    used().prepareTake(bench.capacity * 2);
    assertTrue(Files.exists(directory.resolve("sda.cbt.new")));
    assertGoesOn(bench.open());
    assertFalse(Files.exists(directory.resolve("sda.cbt.new")));
  }

  @Test
  void aDirectoryThatIsNotThereIsAnError() {
    bench = new TrackerBench(directory.resolve("missing"));
    assertEquals(Errno.ENOENT, errno(bench::open));
  }

  static Errno errno(org.junit.jupiter.api.function.Executable call) {
    return assertThrows(BlksnapException.class, call).errno();
  }
}

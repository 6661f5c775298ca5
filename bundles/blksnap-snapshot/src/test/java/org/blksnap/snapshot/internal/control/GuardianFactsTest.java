// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal.control;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.blksnap.snapshot.internal.record.DeathFacts;
import org.blksnap.snapshot.internal.record.LeftDevices;
import org.blksnap.spi.device.RawDevice;
import org.blksnap.spi.device.Trace;
import org.blksnap.spi.tracker.Evidence;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
/** What is known of a device after its engine's death. */
class GuardianFactsTest extends GuardedDevices {
  /** It takes as long to read as nobody has written to it. */
  private Path slowTrace(String name) throws Exception {
    Path pipe = root.resolve(name);
    assertEquals(0, new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor());
    return pipe;
  }

  @Test
  void factsOfPathsWithAnyCharactersAreThereAfterADeath() throws Exception {
    Path folder = Files.createDirectory(root.resolve("a 'b' \"c\" $(d) `e` \\ %41 *\n#"));
    Path disk = Files.write(folder.resolve("-n =:,;&|<>~!"), new byte[4096]);
    Path text = Files.writeString(root.resolve("text"), "  1   2\t3 \n4\n");
    RawDevice device =
        device(
            new Trace(Trace.Kind.FORCE, disk),
            new Trace(Trace.Kind.STAT, disk),
            new Trace(Trace.Kind.TEXT, text));
    Guardian guardian = guardian();
    guardian.watch("disk", device);
    guardian.abandon();
    Map<String, Object> stat = Files.readAttributes(disk, "unix:ino,dev");
    Evidence evidence = found(BOOT, "disk", device);
    assertTrue(evidence.known(), evidence.missing());
    String[] words = evidence.fingerprint().split(" ");
    assertEquals(Trace.FORCED, words[0]);
    assertTrue(words[1].startsWith("4096,"), words[1]);
    assertTrue(words[1].endsWith("," + stat.get("dev") + "," + stat.get("ino")), words[1]);
    assertEquals("1,2,3", words[2]);
  }

  @Test
  void whatIsFoundIsUsedOnce() throws Exception {
    RawDevice device = file(Files.write(root.resolve("disk"), new byte[1]));
    Guardian guardian = guardian();
    guardian.watch("disk", device);
    guardian.abandon();
    assertTrue(found(BOOT, "disk", device).known());
    assertEquals(List.of(), facts());
    assertFalse(found(BOOT, "disk", device).known());
  }

  @Test
  void whatNobodyAttachedIsLeftToTheNextEngine() throws Exception {
    RawDevice device = file(Files.write(root.resolve("disk"), new byte[1]));
    Guardian guardian = guardian();
    guardian.watch("disk", device);
    guardian.abandon();
    LeftDevices between = new LeftDevices(root, BOOT);
    between.fetch();
    between.write();
    assertTrue(found(BOOT, "disk", device).known());
  }

  @Test
  void anEngineThatNeverHadADeviceLeavesWhatItsPredecessorLeft() throws Exception {
    RawDevice device = file(Files.write(root.resolve("disk"), new byte[1]));
    Guardian guardian = guardian();
    guardian.watch("disk", device);
    guardian.abandon();
    guardian().close();
    assertTrue(found(BOOT, "disk", device).known());
  }

  @Test
  void nobodyIsBelievedWhereTheGuardianWasKilledAsWell() throws Exception {
    RawDevice device = file(Files.write(root.resolve("disk"), new byte[1]));
    Guardian guardian = guardian();
    guardian.watch("disk", device);
    byte[] record = Files.readAllBytes(root.resolve(DeathFacts.RECORD));
    guardian.close();
    Files.write(root.resolve(DeathFacts.RECORD), record);
    Evidence evidence = found(BOOT, "disk", device);
    assertFalse(evidence.known());
    assertTrue(evidence.missing().contains("killed as well"), evidence.missing());
  }

  @Test
  void anotherBootProvesNothing() throws Exception {
    RawDevice device = file(Files.write(root.resolve("disk"), new byte[1]));
    Guardian guardian = guardian();
    guardian.watch("disk", device);
    guardian.abandon();
    assertFalse(found("boot-2", "disk", device).known());
  }

  @Test
  void halfOfAFileProvesNothing() throws Exception {
    RawDevice device = file(Files.write(root.resolve("disk"), new byte[1]));
    Guardian guardian = guardian();
    guardian.watch("disk", device);
    guardian.abandon();
    Path facts = facts().get(0);
    byte[] whole = Files.readAllBytes(facts);
    Files.write(facts, Arrays.copyOf(whole, whole.length - 1));
    Evidence evidence = found(BOOT, "disk", device);
    assertFalse(evidence.known());
    assertTrue(evidence.missing().contains("not whole"), evidence.missing());
  }

  @Test
  void aGuardianThatIsLateWritesOverNobodysFacts() throws Exception {
    RawDevice device = file(Files.write(root.resolve("disk"), new byte[1]));
    Guardian late = guardian();
    late.watch("disk", device);
    Guardian present = guardian();
    present.watch("disk", device);
    byte[] record = Files.readAllBytes(root.resolve(DeathFacts.RECORD));
    present.abandon();
    byte[] facts = Files.readAllBytes(facts().get(0));
    late.abandon();
    assertEquals(2, facts().size());
    assertTrue(
        facts().stream()
            .anyMatch(
                file -> {
                  try {
                    return Arrays.equals(facts, Files.readAllBytes(file));
                  } catch (IOException e) {
                    return false;
                  }
                }));
    assertEquals(
        new String(record, java.nio.charset.StandardCharsets.UTF_8),
        Files.readString(root.resolve(DeathFacts.RECORD)));
    assertTrue(found(BOOT, "disk", device).known());
  }

  @Test
  void aTraceThatCannotBeReadProvesNothing() throws Exception {
    RawDevice device = file(root.resolve("missing"));
    Guardian guardian = guardian();
    guardian.watch("disk", device);
    guardian.abandon();
    assertFalse(found(BOOT, "disk", device).known());
  }

  @Test
  void aRestartWaitsForOneThatIsStillWriting() throws Exception {
    Path pipe = slowTrace("pipe");
    RawDevice device = device(new Trace(Trace.Kind.TEXT, pipe));
    Guardian guardian = guardian();
    guardian.watch("disk", device);
    Thread death = death(guardian);
    Thread later =
        new Thread(
            () -> {
              try {
                Thread.sleep(300);
                Files.writeString(pipe, "read\n", StandardOpenOption.WRITE);
              } catch (Exception e) {
                throw new IllegalStateException(e);
              }
            });
    later.start();
    assertTrue(found(BOOT, "disk", device).known());
    death.join();
    later.join();
  }

  /** Others may have written between the death and its going on. */
  @Test
  void oneThatWasStoppedWhenTheEngineDiedProvesNothing() throws Exception {
    Path disk = Files.write(root.resolve("disk"), new byte[1]);
    RawDevice device = file(disk);
    Guardian guardian = guardian();
    guardian.watch("disk", device);
    long pid = guardian.pid();
    await(() -> catches(pid, SIGCONT));
    signal("STOP", pid);
    Thread death = death(guardian);
    Files.write(disk, new byte[] {7}, StandardOpenOption.WRITE);
    signal("CONT", pid);
    Evidence evidence = found(BOOT, "disk", device);
    assertFalse(evidence.known());
    assertTrue(evidence.missing().contains("stopped"), evidence.missing());
    death.join();
  }

  /** A disk that takes long to force leaves others the time to write to a file. */
  @Test
  void aFileIsReadBeforeADeviceIsForcedThatTakesLong() throws Exception {
    Path disk = Files.write(root.resolve("disk"), new byte[1]);
    Path pipe = slowTrace("pipe");
    RawDevice file = file(disk);
    RawDevice slow = device(new Trace(Trace.Kind.FORCE, disk), new Trace(Trace.Kind.TEXT, pipe));
    Guardian guardian = guardian();
    guardian.watch("a", slow);
    guardian.watch("b", file);
    Thread death = death(guardian);
    try (OutputStream reached = Files.newOutputStream(pipe, StandardOpenOption.WRITE)) {
      Files.write(disk, new byte[] {7, 7}, StandardOpenOption.WRITE);
      reached.write('\n');
    }
    LeftDevices left = new LeftDevices(root, BOOT);
    left.fetch();
    String fingerprint = LeftEvidence.of(left.claim("b"), file).fingerprint();
    assertTrue(fingerprint.startsWith("1,"), fingerprint);
    death.join();
  }
}

// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal.control;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.ServerSocket;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.blksnap.linux.proc.ProcessStamp;
import org.blksnap.snapshot.internal.record.DeathFacts;
import org.blksnap.snapshot.internal.record.LeftDevices;
import org.blksnap.spi.device.RawDevice;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class GuardianTest extends GuardedDevices {
  private static boolean ignores(long pid, int signal) throws IOException {
    return isIn("SigIgn:", pid, signal);
  }

  private static List<String> descriptors(Path process) throws IOException {
    try (Stream<Path> all = Files.list(process.resolve("fd"))) {
      return all.map(fd -> fd.getFileName().toString()).sorted().toList();
    }
  }

  @Test
  void aForgottenDeviceIsNotWrittenDown() throws Exception {
    RawDevice device = file(Files.write(root.resolve("disk"), new byte[1]));
    Guardian guardian = guardian();
    guardian.watch("disk", device);
    guardian.watch("disk.2", device);
    guardian.forget("disk");
    guardian.abandon();
    LeftDevices left = new LeftDevices(root, BOOT);
    left.fetch();
    assertFalse(LeftEvidence.of(left.claim("disk"), device).known());
    assertTrue(LeftEvidence.of(left.claim("disk.2"), device).known());
  }

  @Test
  void anEngineThatEndsInOrderLeavesNothingAndNobody() throws Exception {
    Guardian guardian = guardian();
    guardian.watch("disk", file(Files.write(root.resolve("disk"), new byte[1])));
    long pid = guardian.pid();
    guardian.close();
    assertEquals("", ProcessStamp.of(pid));
    assertEquals(List.of(), facts());
    assertFalse(Files.exists(root.resolve(DeathFacts.RECORD)));
  }

  @Test
  void itMindsNoSignalThatMayBeIgnored() throws Exception {
    RawDevice device = file(Files.write(root.resolve("disk"), new byte[1]));
    Guardian guardian = guardian();
    guardian.watch("disk", device);
    long pid = guardian.pid();
    await(() -> ignores(pid, SIGTERM));
    for (String signal : List.of("INT", "HUP", "QUIT", "TERM", "PIPE", "TSTP")) {
      signal(signal, pid);
    }
    guardian.abandon();
    assertEquals(pid, guardian.pid());
    assertTrue(found(BOOT, "disk", device).known());
  }

  /** A descriptor it kept would hold a port, a lock or a file system after the engine's death. */
  @Test
  void itHoldsNothingOfTheEngine() throws Exception {
    try (ServerSocket port = new ServerSocket(0);
        FileChannel open = FileChannel.open(Files.createFile(root.resolve("open")))) {
      assertTrue(port.isBound() && open.isOpen());
      Guardian guardian = guardian();
      guardian.watch("disk", file(root.resolve("open")));
      Path process = Path.of("/proc/" + guardian.pid());
      await(() -> Files.readSymbolicLink(process.resolve("cwd")).equals(Path.of("/")));
      // more while it asks its tools at the start
      await(() -> descriptors(process).equals(List.of("0", "1", "2")));
    }
  }

  @Test
  void oneThatIsKilledIsReplacedAndToldAll() throws Exception {
    RawDevice device = file(Files.write(root.resolve("disk"), new byte[1]));
    Guardian guardian = guardian();
    guardian.watch("disk", device);
    long first = guardian.pid();
    signal("KILL", first);
    await(() -> guardian.pid() != 0 && guardian.pid() != first);
    guardian.abandon();
    assertTrue(found(BOOT, "disk", device).known());
  }

  @Test
  void oneThatIsKilledTimeAndAgainIsNotReplacedAtOnceAndSaysSo() throws Exception {
    Guardian guardian = guardian();
    guardian.watch("disk", file(Files.write(root.resolve("disk"), new byte[1])));
    for (int start = 1; start <= Guardian.STARTS; start++) {
      long now = guardian.pid();
      assertNotEquals(0, now);
      signal("KILL", now);
      int last = start;
      await(() -> guardian.pid() != now && (guardian.pid() != 0 || last == Guardian.STARTS));
    }
    assertTrue(guardian.trouble().contains("status 137"), guardian.trouble());
  }

  @Test
  void oneThatTakesNoOrdersIsKilledSoThatItNeverTellsWhatItShouldHaveForgotten() throws Exception {
    RawDevice device = file(Files.write(root.resolve("disk"), new byte[1]));
    Guardian guardian = guardian();
    guardian.watch("disk", device);
    long first = guardian.pid();
    signal("STOP", first);
    while (guardian.pid() == first) {
      guardian.watch("x".repeat(60), device);
    }
    guardian.forget("disk");
    await(() -> guardian.pid() != 0);
    guardian.abandon();
    assertFalse(found(BOOT, "disk", device).known());
  }

  @Test
  void oneThatWasStoppedWhileTheEngineLivesIsReplacedAndToldAll() throws Exception {
    RawDevice device = file(Files.write(root.resolve("disk"), new byte[1]));
    Guardian guardian = guardian();
    guardian.watch("disk", device);
    long first = guardian.pid();
    await(() -> catches(first, SIGCONT));
    signal("STOP", first);
    signal("CONT", first);
    await(() -> guardian.pid() != 0 && guardian.pid() != first);
    guardian.abandon();
    assertTrue(found(BOOT, "disk", device).known());
  }
}

// SPDX-License-Identifier: Apache-2.0
package org.blksnap.stress;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.snapshot.Snapshot;
import org.blksnap.contract.LoopDevice;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Takes that would freeze what the engine stands on. Real file systems on loop devices; needs root.
 * Whatever happens, what was frozen is thawed again: a frozen file system holds up every sync of
 * the host.
 */
@Timeout(120)
class FrozenGroundTest {
  /** After this, the test's own guard thaws. Longer than any deadline of the product's here. */
  private static final int GUARD_SECONDS = 30;

  @TempDir Path directory;
  private final ScheduledExecutorService guard = Executors.newSingleThreadScheduledExecutor();
  private final List<Process> children = new ArrayList<>();
  private LoopDevice loop;
  private Path mount;
  private Path other;
  private volatile boolean guardNeeded;

  @BeforeEach
  void makeFileSystem() throws Exception {
    Path backing = directory.resolve("backing");
    Files.write(backing, new byte[192 << 20]);
    loop = new LoopDevice(backing);
    mount = loop.mountExt4(directory.resolve("mnt"));
    other = Files.write(directory.resolve("other"), new byte[4 << 20]);
    guard.schedule(
        () -> {
          guardNeeded = thawByHand();
          return guardNeeded;
        },
        GUARD_SECONDS,
        TimeUnit.SECONDS);
  }

  @AfterEach
  void thawAndUnmount() throws Exception {
    guard.shutdownNow();
    children.forEach(Process::destroyForcibly);
    for (Process child : children) {
      child.waitFor();
    }
    if (loop != null) {
      thawByHand();
      awaitUnmapped();
      loop.close();
    }
  }

  /** What this JVM has mapped there is let go by a garbage collection. */
  private void awaitUnmapped() throws IOException {
    while (Files.readString(Path.of("/proc/self/maps")).contains(mount + "/")) {
      System.gc();
    }
  }

  /** True where it was frozen; not any more then. */
  private boolean thawByHand() throws IOException, InterruptedException {
    return new ProcessBuilder("fsfreeze", "--unfreeze", mount.toString()).start().waitFor() == 0;
  }

  private Process child(String... asked) throws IOException {
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:-UsePerfData",
                "-Xmx256m",
                "-cp",
                System.getProperty("java.class.path"),
                FrozenGround.class.getName()));
    command.addAll(List.of(asked));
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    children.add(process);
    return process;
  }

  private static void await(BufferedReader out, String line) throws IOException {
    StringBuilder all = new StringBuilder();
    for (String said = out.readLine(); said != null; said = out.readLine()) {
      all.append(said).append('\n');
      if (said.equals(line)) {
        return;
      }
    }
    throw new AssertionError("\"" + line + "\" was not said, but: " + all);
  }

  private static BufferedReader outputOf(Process process) {
    return new BufferedReader(
        new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
  }

  private static void refused(String what, Snapshot snapshot) {
    BlksnapException refusal = assertThrows(BlksnapException.class, snapshot::take);
    assertEquals(Errno.EBUSY, refusal.errno(), refusal::getMessage);
    assertTrue(refusal.getMessage().contains(what), refusal::getMessage);
    assertTrue(refusal.getMessage().contains("freeze_deadline_seconds = 0"), refusal::getMessage);
  }

  @Test
  void aTakeIsRefusedWhereItWouldFreezeTheStateDirectory() throws Exception {
    try (FrozenGround ground = new FrozenGround(mount.resolve("state"))) {
      ground.attach(loop.device, "below");
      refused("the state directory " + mount.resolve("state"), ground.snapshot("below"));
      assertFalse(thawByHand());
    }
  }

  @Test
  void aTakeIsRefusedWhereItWouldFreezeTheStorageOfAnotherSnapshot() throws Exception {
    try (FrozenGround ground = new FrozenGround(directory.resolve("state"))) {
      ground.attach(loop.device, "below");
      ground.attach(other, "other");
      Snapshot elsewhere = ground.snapshot("other");
      Path storage = Files.createDirectories(mount.resolve("storage"));
      elsewhere.appendStorageDirectory(storage, 16 << 20);
      elsewhere.take();
      refused("storage of snapshot " + elsewhere.id(), ground.snapshot("below"));
      elsewhere.destroy();
      assertFalse(thawByHand());
    }
  }

  @Test
  void aTakeIsRefusedWhereAnotherDeviceOfItLiesOnWhatItFreezes() throws Exception {
    try (FrozenGround ground = new FrozenGround(directory.resolve("state"))) {
      Path inside = Files.write(mount.resolve("disk"), new byte[1 << 20]);
      ground.attach(loop.device, "below");
      ground.attach(inside, "above");
      Snapshot both = ground.snapshot("above", "below");
      refused("device above", both);
      both.destroy();
      assertEquals(List.of(), ground.snapshot("below").take().warnings());
      assertFalse(thawByHand());
    }
  }

  @Test
  void aTakeIsRefusedWhereItWouldFreezeAFileThatThisProcessWritesTo() throws Exception {
    Path link = Files.createSymbolicLink(directory.resolve("log"), mount);
    try (FrozenGround ground = new FrozenGround(directory.resolve("state"))) {
      ground.attach(loop.device, "below");
      Snapshot snapshot = ground.snapshot("below");
      try (OutputStream log = Files.newOutputStream(link.resolve("some.log"))) {
        log.write(1);
        refused("open for writing here, " + mount.resolve("some.log"), snapshot);
      }
      assertEquals(List.of(), snapshot.take().warnings());
    }
  }

  @Test
  void aFileThatIsAttachedIsNoFileThatTheEngineNeeds() throws Exception {
    try (FrozenGround ground = new FrozenGround(directory.resolve("state"))) {
      ground.attach(loop.device, "below");
      ground.attach(Files.write(mount.resolve("disk"), new byte[1 << 20]), "above");
      assertEquals(List.of(), ground.snapshot("below").take().warnings());
    }
  }

  @Test
  void aFileSystemMountedSinceTheAttachCounts() throws Exception {
    LoopDevice.run("umount", mount.toString());
    try (FrozenGround ground = new FrozenGround(directory.resolve("state"))) {
      ground.attach(loop.device, "below");
      ground.attach(other, "other");
      LoopDevice.run("mount", loop.device.toString(), mount.toString());
      Snapshot elsewhere = ground.snapshot("other");
      Path storage = Files.createDirectories(mount.resolve("storage"));
      elsewhere.appendStorageDirectory(storage, 16 << 20);
      refused("storage of snapshot " + elsewhere.id(), ground.snapshot("below"));
      elsewhere.destroy();
    }
  }

  @Test
  void aTakeOfWhatIsMountedElsewhereIsMade() throws Exception {
    try (FrozenGround ground = new FrozenGround(directory.resolve("state"))) {
      ground.attach(loop.device, "below");
      assertEquals(List.of(), ground.snapshot("below").take().warnings());
      assertFalse(thawByHand());
    }
  }

  @Test
  void theWatchdogThawsWhereTheWholeJvmStandsStill() throws Exception {
    Process child =
        child("take", mount.resolve("state").toString(), loop.device.toString(), other.toString());
    BufferedReader out = outputOf(child);
    await(out, "taking");
    String rest = out.lines().reduce("", (all, line) -> all + line + "\n");
    assertFalse(guardNeeded, "the test's own guard had to thaw");
    assertEquals(0, child.waitFor(), rest);
    assertTrue(rest.contains("thawed before the take asked for it"), rest);
    assertTrue(rest.contains("crash-consistent true"), rest);
  }

  @Test
  void aJvmThatIsKilledLeavesNothingFrozen() throws Exception {
    Process child = child("hold", loop.device.toString());
    await(outputOf(child), "frozen");
    child.destroyForcibly();
    Files.writeString(mount.resolve("waits"), "until the thaw");
    assertFalse(guardNeeded, "the test's own guard had to thaw");
    assertFalse(thawByHand());
  }

  @Test
  void liveWritesGoOnWhileTheStateDirectoryStandsStill() throws Exception {
    Files.write(directory.resolve("second"), new byte[1 << 20]);
    Process child = child("write", mount.resolve("state").toString(), other.toString());
    BufferedReader out = outputOf(child);
    await(out, "ready");
    LoopDevice.run("fsfreeze", "--freeze", mount.toString());
    child.getOutputStream().write('\n');
    child.getOutputStream().flush();
    await(out, "wrote");
    assertTrue(thawByHand(), "it was not frozen all the time");
    assertFalse(guardNeeded, "the test's own guard had to thaw");
    await(out, "taken []");
    await(out, "closed");
    assertEquals(0, child.waitFor());
  }
}

// SPDX-License-Identifier: Apache-2.0
package org.blksnap.device.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.contract.LoopDevice;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Real mounts, real freezes; needs root. */
@Timeout(60)
class ThawWatchdogTest {
  private static final Duration SHORT = Duration.ofSeconds(1);
  private static final Duration LONG = Duration.ofSeconds(50);

  @TempDir Path directory;
  private final ToolHost host = new ToolHost();
  private LoopDevice loop;
  private Path mount;

  @BeforeEach
  void makeFileSystem() throws Exception {
    Path backing = directory.resolve("backing");
    Files.write(backing, new byte[16 << 20]);
    loop = new LoopDevice(backing);
    mount = loop.mountExt4(directory.resolve("mnt with blank"));
  }

  @AfterEach
  void thawAndUnmount() throws Exception {
    if (loop != null) {
      thawedByHand();
      loop.close();
    }
  }

  /** True where it was frozen; not any more then. */
  private boolean thawedByHand() throws Exception {
    return new ProcessBuilder("fsfreeze", "--unfreeze", mount.toString()).start().waitFor() == 0;
  }

  @Test
  void theDeadlineThawsAndTheOwnerLearnsOfIt() throws Exception {
    ThawWatchdog watchdog = ThawWatchdog.start(mount, SHORT);
    host.freeze(mount);
    Files.writeString(mount.resolve("waits"), "until the thaw");
    assertTrue(watchdog.standDown());
    assertFalse(thawedByHand());
  }

  @Test
  void onceStoodDownItLeavesAnothersFreezeAlone() throws Exception {
    ThawWatchdog watchdog = ThawWatchdog.start(mount, SHORT);
    assertFalse(watchdog.standDown());
    assertTrue(ProcessHandle.of(watchdog.pid()).filter(ProcessHandle::isAlive).isEmpty());
    host.freeze(mount);
    assertTrue(thawedByHand());
  }

  @Test
  void signalsToAWholeGroupDoNotEndIt() throws Exception {
    ThawWatchdog watchdog = ThawWatchdog.start(mount, SHORT);
    for (String signal :
        List.of("-HUP", "-INT", "-QUIT", "-TERM", "-TSTP", "-TTIN", "-TTOU", "-PIPE")) {
      LoopDevice.run("kill", signal, Long.toString(watchdog.pid()));
    }
    host.freeze(mount);
    Files.writeString(mount.resolve("waits"), "until the thaw");
    assertTrue(watchdog.standDown());
  }

  @Test
  void aMountOverTheFrozenOneDoesNotLeadItAstray() throws Exception {
    ThawWatchdog watchdog = ThawWatchdog.start(mount, SHORT);
    host.freeze(mount);
    LoopDevice.run("mount", "-t", "tmpfs", "none", mount.toString());
    try {
      ProcessHandle.of(watchdog.pid()).orElseThrow().onExit().join();
    } finally {
      LoopDevice.run("umount", mount.toString());
    }
    assertTrue(watchdog.standDown());
    assertFalse(thawedByHand());
  }

  @Test
  void nothingIsFrozenWithoutAWatchdog() {
    BlksnapException refused =
        assertThrows(
            BlksnapException.class,
            () ->
                Freeze.begin(
                    host,
                    (point, deadline) -> {
                      throw new BlksnapException(Errno.ENOSYS, "no watchdog here");
                    },
                    List.of(mount),
                    LONG,
                    freeze -> {},
                    freeze -> {}));
    assertEquals(Errno.ENOSYS, refused.errno());
    assertFalse(host.asked.contains("freeze " + mount));
  }

  @Test
  void aPlaceThatCannotBeHeldHasNoWatchdog() {
    BlksnapException refused =
        assertThrows(
            BlksnapException.class,
            () -> ThawWatchdog.start(directory.resolve("not there"), SHORT));
    assertTrue(refused.getMessage().contains("fsfreeze (util-linux)"), refused.getMessage());
  }

  @Test
  void aThawBySomebodyElseIsTold() throws Exception {
    Freeze freeze = Freeze.begin(host, ThawWatchdog::start, List.of(mount), LONG, f -> {}, f -> {});
    assertTrue(thawedByHand());
    freeze.close();
    assertTrue(freeze.expired());
  }
}

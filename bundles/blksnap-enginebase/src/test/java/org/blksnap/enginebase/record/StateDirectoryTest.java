// SPDX-License-Identifier: Apache-2.0
package org.blksnap.enginebase.record;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StateDirectoryTest {
  @TempDir Path directory;

  @Test
  void aRefusedSecondInstanceLeavesTheFirstOnesLockAlone() throws Exception {
    Path root = directory.resolve("state");
    try (StateDirectory first = StateDirectory.open(root)) {
      for (int i = 0; i < 3; i++) {
        assertThrows(BlksnapException.class, () -> StateDirectory.open(root));
      }
      Process other =
          new ProcessBuilder(
                  Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                  "-cp",
                  Path.of(
                          OtherProcess.class
                              .getProtectionDomain()
                              .getCodeSource()
                              .getLocation()
                              .toURI())
                      .toString(),
                  OtherProcess.class.getName(),
                  first.root().resolve("lock").toString())
              .redirectErrorStream(true)
              .start();
      String said = new String(other.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      assertEquals(OtherProcess.REFUSED, other.waitFor(), said);
    }
  }

  /** Wants the lock of a file. */
  static final class OtherProcess {
    static final int REFUSED = 3;

    public static void main(String[] file) throws IOException {
      try (FileChannel channel = FileChannel.open(Path.of(file[0]), StandardOpenOption.WRITE)) {
        System.exit(channel.tryLock() == null ? REFUSED : 0);
      }
    }
  }

  @Test
  void twoInstancesOnOneDirectoryAreRefused() throws Exception {
    Path root = directory.resolve("state");
    try (StateDirectory first = StateDirectory.open(root)) {
      BlksnapException refused =
          assertThrows(BlksnapException.class, () -> StateDirectory.open(root));
      assertEquals(Errno.EBUSY, refused.errno());
      assertTrue(refused.getMessage().contains(root.toString()));
      assertEquals(root, first.root());
    }
    StateDirectory.open(root).close();
  }

  @Test
  void nobodyElseMayLookInside() throws Exception {
    Path root = directory.resolve("state");
    StateDirectory.open(root).close();
    assertEquals("rwx------", PosixFilePermissions.toString(Files.getPosixFilePermissions(root)));
  }
}

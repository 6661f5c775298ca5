// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StateDirectoryTest {
  @TempDir Path directory;

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

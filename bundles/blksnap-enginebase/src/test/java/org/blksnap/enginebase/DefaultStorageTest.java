// SPDX-License-Identifier: Apache-2.0
package org.blksnap.enginebase;

import static org.blksnap.enginebase.DefaultStorage.LEAST_LIMIT;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DefaultStorageTest {
  @TempDir Path state;

  @Test
  void itIsForItsOwnerAlone() throws Exception {
    Path made = DefaultStorage.made(state);
    assertEquals(made, DefaultStorage.made(state));
    assertEquals("rwx------", PosixFilePermissions.toString(Files.getPosixFilePermissions(made)));
  }

  @Test
  void theLimitIsAllThereIsToSaveButHalfOfWhatIsFree() throws Exception {
    long free = 100 * LEAST_LIMIT;
    assertEquals(LEAST_LIMIT, DefaultStorage.limit(state, 0, free));
    assertEquals(3 * LEAST_LIMIT, DefaultStorage.limit(state, 3 * LEAST_LIMIT, free));
    assertEquals(free / 2, DefaultStorage.limit(state, free, free));
    assertEquals(512, DefaultStorage.limit(state, free, 2047));
  }

  @Test
  void nothingFreeIsNoSpaceAndNotAWrongLimit() {
    assertEquals(
        Errno.ENOSPC,
        assertThrows(BlksnapException.class, () -> DefaultStorage.limit(state, 1 << 20, 1000))
            .errno());
  }
}

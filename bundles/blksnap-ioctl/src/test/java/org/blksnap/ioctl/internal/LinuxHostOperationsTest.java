// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.spi.host.HostFile;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the real calls say beyond the contract. */
class LinuxHostOperationsTest {
  @TempDir Path directory;
  private LinuxHostOperations host;
  private Path path;

  @BeforeEach
  void makeFile() throws Exception {
    host = new LinuxHostOperations();
    path = directory.resolve("file");
    Files.write(path, new byte[4096]);
  }

  @Test
  void readAheadOfAPipeSaysSo() throws Exception {
    Path pipe = directory.resolve("pipe");
    assertEquals(0, new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor());
    try (RandomAccessFile keepsOpenFromBlocking = new RandomAccessFile(pipe.toFile(), "rw");
        HostFile file = host.open(pipe, false, false)) {
      assertTrue(keepsOpenFromBlocking.getFD().valid());
      BlksnapException failure = assertThrows(BlksnapException.class, () -> file.willNeed(0, 4096));
      assertTrue(failure.getMessage().contains("errno 29"), failure.getMessage());
    }
  }

  @Test
  void missingFileIsEnoentAndNotMade() {
    Path missing = directory.resolve("missing");
    BlksnapException failure =
        assertThrows(BlksnapException.class, () -> host.open(missing, true, true));
    assertEquals(Errno.ENOENT, failure.errno());
    assertTrue(failure.getMessage().contains(missing.toString()));
    assertTrue(Files.notExists(missing));
  }

  @Test
  void blockDeviceCallOnAFileIsEnotty() throws Exception {
    try (HostFile file = host.open(path, false, false)) {
      BlksnapException failure = assertThrows(BlksnapException.class, file::logicalBlockSize);
      assertEquals(Errno.ENOTTY, failure.errno());
      assertTrue(failure.getMessage().startsWith("BLKSSZGET on "), failure.getMessage());
    }
  }

  @Test
  void directMemoryIsLocked() throws Exception {
    host.lockMemory(ByteBuffer.allocateDirect(4096));
  }

  @Test
  void heapMemoryIsNotLocked() {
    assertEquals(
        Errno.EINVAL,
        assertThrows(BlksnapException.class, () -> host.lockMemory(ByteBuffer.allocate(4096)))
            .errno());
  }
}

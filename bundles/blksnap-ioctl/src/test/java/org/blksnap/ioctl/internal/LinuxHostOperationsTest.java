// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.spi.host.HostFile;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The real calls on real files. */
class LinuxHostOperationsTest {
  private static final int MIB = 1 << 20;

  @TempDir Path directory;
  private LinuxHostOperations host;
  private Path path;

  @BeforeEach
  void makeFile() throws Exception {
    host = new LinuxHostOperations();
    path = directory.resolve("file");
    byte[] content = new byte[4 * MIB];
    Arrays.fill(content, (byte) 0x5a);
    Files.write(path, content);
  }

  private long allocatedBytes() throws Exception {
    Process stat = new ProcessBuilder("stat", "-c", "%b", path.toString()).start();
    return Long.parseLong(new String(stat.getInputStream().readAllBytes()).strip()) * 512;
  }

  @Test
  void punchedHoleIsFreedAndReadsAsZeroes() throws Exception {
    try (HostFile file = host.open(path, true, false)) {
      file.punchHole(MIB, MIB);
    }
    byte[] content = Files.readAllBytes(path);
    assertArrayEquals(new byte[MIB], Arrays.copyOfRange(content, MIB, 2 * MIB));
    assertEquals(0x5a, content[MIB - 1]);
    assertEquals(0x5a, content[2 * MIB]);
    assertTrue(allocatedBytes() < 4 * MIB);
  }

  @Test
  void zeroedRangeStaysAllocated() throws Exception {
    try (HostFile file = host.open(path, true, false)) {
      file.zeroRange(MIB, MIB);
    }
    assertEquals(0, Files.readAllBytes(path)[MIB]);
    assertTrue(allocatedBytes() >= 4 * MIB);
  }

  @Test
  void allocationGrowsTheFile() throws Exception {
    try (HostFile file = host.open(path, true, false)) {
      file.allocate(4 * MIB, MIB);
    }
    assertEquals(5 * MIB, Files.size(path));
  }

  @Test
  void dataAndHolesAreFound() throws Exception {
    try (HostFile file = host.open(path, true, false)) {
      file.punchHole(MIB, MIB);
      assertEquals(MIB, file.seekHole(0));
      assertEquals(2 * MIB, file.seekData(MIB));
      assertEquals(4 * MIB, file.seekHole(2 * MIB));
      assertEquals(-1, file.seekData(4 * MIB));
      assertEquals(-1, file.seekHole(4 * MIB));
    }
  }

  @Test
  void rangeIsCopiedIntoAnotherFile() throws Exception {
    Path copy = directory.resolve("copy");
    Files.write(copy, new byte[2 * MIB]);
    try (HostFile from = host.open(path, false, false);
        HostFile to = host.open(copy, true, false)) {
      assertEquals(MIB, from.copyRange(0, to, MIB, MIB));
    }
    byte[] content = Files.readAllBytes(copy);
    assertEquals(0, content[MIB - 1]);
    assertEquals(0x5a, content[MIB]);
  }

  @Test
  void copyEndsAtTheEndOfTheSource() throws Exception {
    Path copy = Files.createFile(directory.resolve("copy"));
    try (HostFile from = host.open(path, false, false);
        HostFile to = host.open(copy, true, false)) {
      assertEquals(100, from.copyRange(4 * MIB - 100, to, 0, MIB));
    }
  }

  @Test
  void readAheadHintIsAccepted() throws Exception {
    try (HostFile file = host.open(path, false, false)) {
      file.willNeed(0, MIB);
    }
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
  void writeThroughAReadOnlyDescriptorIsRefused() throws Exception {
    try (HostFile file = host.open(path, false, false)) {
      assertEquals(
          Errno.EBADF, assertThrows(BlksnapException.class, () -> file.punchHole(0, MIB)).errno());
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

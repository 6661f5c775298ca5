// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.spi.host.HostFile;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The real calls on real loop devices; needs root. */
@Timeout(60)
class BlockDeviceCallsTest {
  private static final int MIB = 1 << 20;

  @TempDir Path directory;
  private LinuxHostOperations host;
  private Path backing;

  @BeforeEach
  void makeBacking() throws Exception {
    host = new LinuxHostOperations();
    backing = directory.resolve("backing");
    byte[] content = new byte[16 * MIB];
    Arrays.fill(content, (byte) 0x5a);
    Files.write(backing, content);
  }

  @Test
  void geometryIsTheLoopDevicesOwn() throws Exception {
    try (LoopDevice loop = new LoopDevice(backing, "--sector-size", "4096");
        HostFile file = host.open(loop.device, true, false)) {
      assertEquals(16 * MIB, file.blockSize64());
      assertEquals(4096, file.logicalBlockSize());
      assertEquals(4096, file.physicalBlockSize());
      assertEquals(4096, file.minimumIo());
      assertFalse(file.readOnly());
      String rotational =
          Files.readString(
              Path.of("/sys/block", loop.device.getFileName().toString(), "queue/rotational"));
      assertEquals(rotational.strip().equals("1"), file.rotational());
    }
  }

  @Test
  void readOnlyDeviceSaysSo() throws Exception {
    try (LoopDevice loop = new LoopDevice(backing, "--read-only");
        HostFile file = host.open(loop.device, false, false)) {
      assertTrue(file.readOnly());
    }
  }

  @Test
  void discardReachesTheBackingFile() throws Exception {
    try (LoopDevice loop = new LoopDevice(backing);
        HostFile file = host.open(loop.device, true, true)) {
      file.blockDiscard(MIB, MIB);
    }
    assertEquals(0, Files.readAllBytes(backing)[MIB]);
    assertEquals(0x5a, Files.readAllBytes(backing)[MIB - 1]);
  }

  @Test
  void zeroedOutRangeReadsAsZeroes() throws Exception {
    try (LoopDevice loop = new LoopDevice(backing);
        HostFile file = host.open(loop.device, true, true)) {
      file.blockZeroOut(MIB, MIB);
      try (RandomAccessFile device = new RandomAccessFile(loop.device.toFile(), "r")) {
        device.seek(MIB - 1);
        assertEquals(0x5a, device.read());
        assertEquals(0, device.read());
      }
    }
  }

  @Test
  void unalignedDiscardIsEinval() throws Exception {
    try (LoopDevice loop = new LoopDevice(backing);
        HostFile file = host.open(loop.device, true, true)) {
      assertEquals(
          Errno.EINVAL,
          assertThrows(BlksnapException.class, () -> file.blockDiscard(1, 512)).errno());
    }
  }

  @Test
  void exclusiveOpenIsRefusedWhileHeldAndFreeAfterwards() throws Exception {
    try (LoopDevice loop = new LoopDevice(backing)) {
      try (HostFile holder = host.open(loop.device, true, true)) {
        assertEquals(16 * MIB, holder.blockSize64());
        assertEquals(
            Errno.EBUSY,
            assertThrows(BlksnapException.class, () -> host.open(loop.device, true, true)).errno());
      }
      host.open(loop.device, true, true).close();
    }
  }

  @Test
  void exclusiveOpenOfAMountedDeviceIsRefused() throws Exception {
    try (LoopDevice loop = new LoopDevice(backing)) {
      loop.mountExt4(directory.resolve("mnt"));
      assertEquals(
          Errno.EBUSY,
          assertThrows(BlksnapException.class, () -> host.open(loop.device, true, true)).errno());
    }
  }

  @Test
  void frozenFileSystemIsThawedAgain() throws Exception {
    try (LoopDevice loop = new LoopDevice(backing)) {
      Path mount = loop.mountExt4(directory.resolve("mnt"));
      host.freeze(mount);
      try {
        assertEquals(
            Errno.EBUSY, assertThrows(BlksnapException.class, () -> host.freeze(mount)).errno());
      } finally {
        host.thaw(mount);
      }
      Files.writeString(mount.resolve("after"), "thawed");
      assertEquals(
          Errno.EINVAL, assertThrows(BlksnapException.class, () -> host.thaw(mount)).errno());
    }
  }

  @Test
  void fileSystemThatCannotFreezeSaysSo() {
    assertEquals(
        Errno.EOPNOTSUPP,
        assertThrows(BlksnapException.class, () -> host.freeze(Path.of("/proc"))).errno());
  }
}

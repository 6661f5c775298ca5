// SPDX-License-Identifier: Apache-2.0
package org.blksnap.device.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.block.Geometry;
import org.blksnap.contract.LoopDevice;
import org.blksnap.spi.device.OpenRequest;
import org.blksnap.spi.device.RawDevice;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Real loop devices, real mounts, real freezes; needs root. */
@Timeout(60)
class BlockSpecialTest {
  private static final int MIB = 1 << 20;
  private static final Duration LONG = Duration.ofSeconds(30);

  @TempDir Path directory;
  private final ToolHost host = new ToolHost();
  private LocalDeviceProvider provider;
  private Path backing;

  @BeforeEach
  void makeBacking() throws Exception {
    provider = new LocalDeviceProvider(Surroundings.of(Path.of("/sys"), Path.of("/proc")), host);
    backing = directory.resolve("backing");
    byte[] content = new byte[16 * MIB];
    Arrays.fill(content, (byte) 0x5a);
    Files.write(backing, content);
  }

  @AfterEach
  void closeAll() {
    provider.close();
  }

  private RawDevice open(Path path, boolean force) throws BlksnapException {
    return provider.open(new OpenRequest(path, false, force));
  }

  private static boolean frozen(Path mount) throws Exception {
    int answer = new ProcessBuilder("fsfreeze", "--unfreeze", mount.toString()).start().waitFor();
    return answer == 0;
  }

  @Test
  void geometryAndIdentityAreTheDevicesOwn() throws Exception {
    try (LoopDevice loop = new LoopDevice(backing, "--sector-size", "4096");
        RawDevice device = open(loop.device, false)) {
      Geometry geometry = device.geometry();
      assertEquals(16 * MIB, geometry.capacity());
      assertEquals(4096, geometry.logicalBlockSize());
      assertEquals(geometry, provider.geometry(loop.device));
      assertTrue(device.identity().blockDevice());
      assertEquals(7, device.identity().major());
      assertTrue(device.identity().key().startsWith("loop:file:"), device.identity().key());
    }
  }

  @Test
  void dataGoesToTheDevice() throws Exception {
    try (LoopDevice loop = new LoopDevice(backing)) {
      try (RawDevice device = open(loop.device, false)) {
        device.write(ByteBuffer.allocateDirect(512).putInt(0, 4711), MIB);
        device.flush();
        ByteBuffer in = ByteBuffer.allocateDirect(512);
        device.read(in, MIB);
        assertEquals(4711, in.getInt(0));
      }
      assertEquals(4711, ByteBuffer.wrap(Files.readAllBytes(backing)).getInt(MIB));
    }
  }

  @Test
  void openAsksForTheExclusiveClaimAndReportsItsRefusal() throws Exception {
    host.failing.put("open-exclusive", Errno.EBUSY);
    try (LoopDevice loop = new LoopDevice(backing)) {
      BlksnapException refused =
          assertThrows(BlksnapException.class, () -> open(loop.device, false));
      assertEquals(Errno.EBUSY, refused.errno());
      open(loop.device, true).close();
    }
  }

  @Test
  void mountedDeviceIsRefusedNamingTheMountPointUnlessForced() throws Exception {
    try (LoopDevice loop = new LoopDevice(backing)) {
      Path mount = loop.mountExt4(directory.resolve("with space"));
      BlksnapException refused =
          assertThrows(BlksnapException.class, () -> open(loop.device, false));
      assertEquals(Errno.EBUSY, refused.errno());
      assertTrue(refused.getMessage().contains("umount " + mount), refused.getMessage());
      provider.open(new OpenRequest(loop.device, true, true)).close();
    }
  }

  @Test
  void fileBehindALoopDeviceIsRefusedUnlessForced() throws Exception {
    try (LoopDevice loop = new LoopDevice(backing)) {
      BlksnapException refused = assertThrows(BlksnapException.class, () -> open(backing, false));
      assertEquals(Errno.EBUSY, refused.errno());
      assertTrue(refused.getMessage().contains("losetup -d " + loop.device), refused.getMessage());
      open(backing, true).close();
    }
    open(backing, false).close();
  }

  @Test
  void readOnlyDeviceIsRefusedForWriting() throws Exception {
    try (LoopDevice loop = new LoopDevice(backing, "--read-only")) {
      assertEquals(
          Errno.EROFS,
          assertThrows(BlksnapException.class, () -> open(loop.device, false)).errno());
      provider.open(new OpenRequest(loop.device, true, false)).close();
    }
  }

  @Test
  void resizeIsNoticedByRefresh() throws Exception {
    try (LoopDevice loop = new LoopDevice(backing);
        RawDevice device = open(loop.device, false)) {
      try (RandomAccessFile file = new RandomAccessFile(backing.toFile(), "rw")) {
        file.setLength(32 * MIB);
      }
      LoopDevice.run("losetup", "-c", loop.device.toString());
      assertTrue(device.refresh());
      assertEquals(32 * MIB, device.geometry().capacity());
    }
  }

  @Test
  void discardIsRoundedInwardToWholeBlocks() throws Exception {
    try (LoopDevice loop = new LoopDevice(backing);
        RawDevice device = open(loop.device, true)) {
      device.discard(100, 600);
      device.discard(MIB, MIB);
      assertEquals(1, host.asked.stream().filter("blockDiscard"::equals).count());
      ByteBuffer in = ByteBuffer.allocateDirect(512);
      device.read(in, MIB);
      assertEquals(0, in.get(0));
    }
  }

  @Test
  void unalignedZeroesTouchNoNeighbour() throws Exception {
    try (LoopDevice loop = new LoopDevice(backing);
        RawDevice device = open(loop.device, true)) {
      host.failing.put("punchHole", Errno.EOPNOTSUPP);
      device.writeZeroes(1000, 5000, false, false);
      ByteBuffer in = ByteBuffer.allocateDirect(8192);
      device.read(in, 0);
      for (int i = 0; i < 8192; i++) {
        assertEquals(i >= 1000 && i < 6000 ? 0 : 0x5a, in.get(i), "byte " + i);
      }
      assertTrue(host.asked.contains("blockZeroOut"));
    }
  }

  @Test
  void fingerprintTellsAnotherWritersWrite() throws Exception {
    try (LoopDevice loop = new LoopDevice(backing)) {
      String before;
      try (RawDevice device = open(loop.device, false)) {
        device.write(ByteBuffer.allocateDirect(4096), 0);
        before = device.fingerprint();
        assertEquals(before, device.fingerprint());
      }
      LoopDevice.run(
          "dd", "if=/dev/zero", "of=" + loop.device, "bs=4096", "count=1", "conv=fsync,notrunc");
      try (RawDevice device = open(loop.device, false)) {
        assertNotEquals(before, device.fingerprint());
      }
    }
  }

  @Test
  void mountedFileSystemIsFrozenAndThawed() throws Exception {
    try (LoopDevice loop = new LoopDevice(backing)) {
      Path mount = loop.mountExt4(directory.resolve("mnt"));
      try (RawDevice device = provider.open(new OpenRequest(loop.device, true, true))) {
        RawDevice.Thaw thaw = device.freeze(LONG);
        assertThrows(BlksnapException.class, () -> host.freeze(mount));
        thaw.close();
        thaw.close();
        assertFalse(thaw.expired());
        assertFalse(frozen(mount));
      }
    }
  }

  @Test
  void fileSystemOnALoopOverTheAttachedFileIsFrozen() throws Exception {
    try (LoopDevice loop = new LoopDevice(backing)) {
      Path mount = loop.mountExt4(directory.resolve("mnt"));
      try (RawDevice device = open(backing, true);
          RawDevice.Thaw thaw = device.freeze(LONG)) {
        assertFalse(thaw.expired());
        assertTrue(host.asked.contains("freeze " + mount));
      }
      assertFalse(frozen(mount));
    }
  }

  @Test
  void bindMountOfTheSameFileSystemIsFrozenOnce() throws Exception {
    try (LoopDevice loop = new LoopDevice(backing)) {
      Path mount = loop.mountExt4(directory.resolve("mnt"));
      Path again = Files.createDirectories(directory.resolve("again"));
      LoopDevice.run("mount", "--bind", mount.toString(), again.toString());
      try (RawDevice device = open(backing, true);
          RawDevice.Thaw thaw = device.freeze(LONG)) {
        assertFalse(thaw.expired());
        assertEquals(1, host.asked.stream().filter(call -> call.startsWith("freeze")).count());
      } finally {
        LoopDevice.run("umount", again.toString());
      }
    }
  }

  @Test
  void deadlineThawsByItself() throws Exception {
    try (LoopDevice loop = new LoopDevice(backing)) {
      Path mount = loop.mountExt4(directory.resolve("mnt"));
      try (RawDevice device = open(backing, true)) {
        RawDevice.Thaw thaw = device.freeze(Duration.ofSeconds(1));
        Files.writeString(mount.resolve("waits"), "until the deadline");
        assertTrue(thaw.expired());
        assertFalse(frozen(mount));
        thaw.close();
      }
    }
  }

  @Test
  void stoppedProviderThaws() throws Exception {
    try (LoopDevice loop = new LoopDevice(backing)) {
      Path mount = loop.mountExt4(directory.resolve("mnt"));
      RawDevice device = open(backing, true);
      device.freeze(LONG);
      provider.close();
      assertFalse(frozen(mount));
    }
  }

  @Test
  void failedFreezeThawsTheOthersBeforeItAnswers() throws Exception {
    Path second = directory.resolve("second");
    Files.write(second, new byte[16 * MIB]);
    try (LoopDevice first = new LoopDevice(backing);
        LoopDevice other = new LoopDevice(second)) {
      Path one = first.mountExt4(directory.resolve("one"));
      Path two = other.mountExt4(directory.resolve("two"));
      host.failing.put("freeze " + two, Errno.EBUSY);
      BlksnapException refused =
          assertThrows(
              BlksnapException.class,
              () ->
                  Freeze.begin(
                      host,
                      ThawWatchdog::start,
                      java.util.List.of(one, two),
                      LONG,
                      freeze -> {},
                      freeze -> {}));
      assertEquals(Errno.EBUSY, refused.errno());
      assertFalse(frozen(one));
    }
  }

  @Test
  void deviceCarriesWhatIsMountedFromItAndNothingElse() throws Exception {
    try (LoopDevice loop = new LoopDevice(backing)) {
      Path mount = loop.mountExt4(directory.resolve("mnt"));
      Path below = Files.createDirectories(mount.resolve("a/b"));
      try (RawDevice device = provider.open(new OpenRequest(loop.device, true, true));
          RawDevice file = open(backing, true)) {
        assertTrue(device.carries(below));
        assertTrue(file.carries(below));
        assertFalse(device.carries(directory));
        assertFalse(file.carries(directory));
      }
    }
  }

  @Test
  void deviceCarriesAFileSystemOnALoopOnAFileSystemOnIt() throws Exception {
    Path inner = directory.resolve("mnt/inner");
    try (LoopDevice outerLoop = new LoopDevice(backing)) {
      outerLoop.mountExt4(directory.resolve("mnt"));
      try (RandomAccessFile file = new RandomAccessFile(inner.toFile(), "rw")) {
        file.setLength(4 * MIB);
      }
      try (LoopDevice innerLoop = new LoopDevice(inner)) {
        Path mount = innerLoop.mountExt4(directory.resolve("deep"));
        try (RawDevice device = provider.open(new OpenRequest(outerLoop.device, true, true))) {
          assertTrue(device.carries(mount));
        }
      }
    }
  }

  @Test
  void deviceCarriesAnOverlayWhoseLowerDirectoryLiesOnIt() throws Exception {
    try (LoopDevice loop = new LoopDevice(backing)) {
      Path lower = Files.createDirectories(loop.mountExt4(directory.resolve("mnt")).resolve("low"));
      Path shown = Files.createDirectories(directory.resolve("shown"));
      LoopDevice.run(
          "mount", "-t", "overlay", "none", "-o", "ro,lowerdir=" + lower + ":/", shown.toString());
      try (RawDevice device = provider.open(new OpenRequest(loop.device, true, true))) {
        assertTrue(device.carries(shown));
      } finally {
        LoopDevice.run("umount", shown.toString());
      }
    }
  }

  @Test
  void deviceCarriesALoopDeviceOverAFileOnIt() throws Exception {
    try (LoopDevice outer = new LoopDevice(backing)) {
      Path inner = outer.mountExt4(directory.resolve("mnt")).resolve("inner");
      Files.write(inner, new byte[4 * MIB]);
      try (LoopDevice loop = new LoopDevice(inner);
          RawDevice device = provider.open(new OpenRequest(outer.device, true, true))) {
        assertTrue(device.carries(loop.device));
        assertEquals(java.util.List.of(directory.resolve("mnt")), device.mountPoints());
      }
    }
  }
}

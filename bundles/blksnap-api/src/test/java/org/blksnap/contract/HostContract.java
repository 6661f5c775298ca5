// SPDX-License-Identifier: Apache-2.0
package org.blksnap.contract;

import static org.blksnap.contract.Bytes.errno;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.blksnap.api.block.Errno;
import org.blksnap.spi.host.HostFile;
import org.blksnap.spi.host.HostOperations;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

/** {@link HostOperations} and {@link HostFile}, on real files and loop devices. */
@Timeout(60)
public abstract class HostContract {
  private static final int MIB = 1 << 20;
  private static final byte FILL = 0x5a;

  @TempDir protected Path directory;

  /** 16 MiB, every byte {@link #FILL}; also what loop devices stand on. */
  private Path path;

  protected abstract HostOperations host() throws Exception;

  @BeforeEach
  void makeFile() throws Exception {
    path = Files.write(directory.resolve("file"), Bytes.filled(16 * MIB, FILL));
  }

  private static long allocated(Path file) throws Exception {
    return Long.parseLong(LoopDevice.run("stat", "-c", "%b", file.toString()).strip()) * 512;
  }

  private void assertZeroed(Path file, int from, int to) throws Exception {
    byte[] content = Files.readAllBytes(file);
    assertArrayEquals(new byte[to - from], Arrays.copyOfRange(content, from, to));
    assertEquals(FILL, content[from - 1]);
    assertEquals(FILL, content[to]);
  }

  @Test
  void aMissingPathIsEnoentAndNotMade() {
    Path missing = directory.resolve("missing");
    assertEquals(Errno.ENOENT, errno(() -> host().open(missing, false, false)));
    assertEquals(Errno.ENOENT, errno(() -> host().open(missing, true, true)));
    assertTrue(Files.notExists(missing));
  }

  @Test
  void aPunchedHoleIsFreedReadsAsZeroesAndKeepsTheSize() throws Exception {
    try (HostFile file = host().open(path, true, false)) {
      file.punchHole(MIB, MIB);
      file.punchHole(15 * MIB, 3 * MIB);
    }
    assertEquals(16 * MIB, Files.size(path));
    assertZeroed(path, MIB, 2 * MIB);
    assertTrue(allocated(path) <= 15 * MIB, "allocated " + allocated(path));
  }

  @Test
  void aZeroedRangeStaysAllocated() throws Exception {
    try (HostFile file = host().open(path, true, false)) {
      file.zeroRange(MIB, MIB);
    }
    assertZeroed(path, MIB, 2 * MIB);
    assertTrue(allocated(path) >= 16 * MIB, "allocated " + allocated(path));
  }

  @Test
  void anAllocationGrowsTheFileAndChangesNoByte() throws Exception {
    try (HostFile file = host().open(path, true, false)) {
      file.allocate(15 * MIB, 2 * MIB);
    }
    byte[] content = Files.readAllBytes(path);
    assertEquals(17 * MIB, content.length);
    assertEquals(FILL, content[16 * MIB - 1]);
    assertEquals(0, content[16 * MIB]);
  }

  @Test
  void dataAndHolesAreFoundUpToTheEnd() throws Exception {
    try (HostFile file = host().open(path, true, false)) {
      file.punchHole(MIB, MIB);
      file.punchHole(8 * MIB, 8 * MIB);
      assertEquals(0, file.seekData(0));
      assertEquals(MIB, file.seekHole(0));
      assertEquals(MIB, file.seekHole(MIB));
      assertEquals(2 * MIB, file.seekData(MIB));
      assertEquals(8 * MIB, file.seekHole(2 * MIB));
      assertEquals(-1, file.seekData(8 * MIB), "a hole up to the end");
      assertEquals(-1, file.seekData(16 * MIB));
      assertEquals(-1, file.seekHole(16 * MIB));
    }
  }

  @Test
  void aRangeIsCopiedAsFarAsTheSourceGoes() throws Exception {
    Path copy = Files.write(directory.resolve("copy"), new byte[2 * MIB]);
    try (HostFile from = host().open(path, false, false);
        HostFile to = host().open(copy, true, false)) {
      assertEquals(MIB, from.copyRange(0, to, MIB / 2, MIB));
      assertEquals(100, from.copyRange(16 * MIB - 100, to, 2 * MIB, MIB));
    }
    byte[] content = Files.readAllBytes(copy);
    assertEquals(0, content[MIB / 2 - 1]);
    assertEquals(FILL, content[MIB / 2]);
    assertEquals(FILL, content[MIB / 2 + MIB - 1]);
    assertEquals(0, content[MIB / 2 + MIB]);
    assertEquals(2 * MIB + 100, content.length);
  }

  @Test
  void aHintIsAccepted() throws Exception {
    try (HostFile file = host().open(path, false, false)) {
      file.willNeed(0, MIB);
    }
  }

  @Test
  void aCallForBlockDevicesOnAFileIsEnotty() throws Exception {
    try (HostFile file = host().open(path, true, false)) {
      List<Executable> calls =
          List.of(
              file::blockSize64,
              file::logicalBlockSize,
              file::physicalBlockSize,
              file::minimumIo,
              file::rotational,
              file::readOnly,
              () -> file.blockDiscard(0, MIB),
              () -> file.blockZeroOut(0, MIB));
      for (Executable call : calls) {
        assertEquals(Errno.ENOTTY, errno(call));
      }
    }
    assertEquals(FILL, Files.readAllBytes(path)[0]);
  }

  @Test
  void aChangeThroughAReadOnlyDescriptorIsEbadf() throws Exception {
    try (HostFile file = host().open(path, false, false)) {
      assertEquals(Errno.EBADF, errno(() -> file.punchHole(0, MIB)));
      assertEquals(Errno.EBADF, errno(() -> file.zeroRange(0, MIB)));
      assertEquals(Errno.EBADF, errno(() -> file.allocate(0, MIB)));
    }
    assertEquals(FILL, Files.readAllBytes(path)[0]);
  }

  @Test
  void closedItAnswersEbadfAndMayBeClosedAgain() throws Exception {
    HostFile file = host().open(path, true, false);
    file.close();
    file.close();
    try (HostFile another = host().open(path, true, false)) {
      assertEquals(Errno.EBADF, errno(() -> file.punchHole(0, MIB)));
      assertEquals(Errno.EBADF, errno(() -> file.seekData(0)));
      assertEquals(Errno.EBADF, errno(() -> another.copyRange(0, file, 0, 512)));
      assertEquals(Errno.EBADF, errno(() -> file.lock(0, 1, true)));
      assertEquals(Errno.EBADF, errno(() -> file.lockable(0, 1, true)));
      assertEquals(Errno.EBADF, errno(() -> file.lockWhole(true)));
      assertEquals(Errno.EBADF, errno(file::descriptor));
      assertEquals(0, another.seekData(0));
    }
    assertEquals(FILL, Files.readAllBytes(path)[0]);
  }

  @Test
  void aLockIsInTheWayOfAnotherDescriptorAndEndsWithItsOwn() throws Exception {
    HostFile holder = host().open(path, true, false);
    try (HostFile other = host().open(path, true, false)) {
      assertTrue(holder.lock(100, 2, true));
      assertTrue(holder.lock(100, 2, true), "its own is not in its way");
      assertFalse(other.lockable(101, 1, false));
      assertFalse(other.lock(0, 0, false));
      assertTrue(other.lockable(102, 1, true));
      assertTrue(other.lock(Long.MAX_VALUE - 1, 1, true));
      host().open(path, true, false).close();
      assertFalse(other.lock(100, 1, true), "another descriptor's closing drops nothing");
      holder.close();
      assertTrue(other.lock(100, 1, true));
    } finally {
      holder.close();
    }
  }

  @Test
  void sharedLocksStandSideBySide() throws Exception {
    try (HostFile one = host().open(path, false, false);
        HostFile other = host().open(path, false, false)) {
      assertTrue(one.lock(100, 1, false));
      assertTrue(other.lock(100, 1, false));
      assertFalse(other.lockable(100, 1, true));
      assertTrue(one.lockWhole(false));
      assertTrue(other.lockWhole(false));
    }
  }

  @Test
  void aFileLockedAsAWholeIsLockedByNobodyElse() throws Exception {
    HostFile holder = host().open(path, true, false);
    try (HostFile other = host().open(path, true, false)) {
      assertTrue(holder.lockWhole(true));
      assertFalse(other.lockWhole(false));
      assertTrue(other.lock(0, 0, true), "the two kinds do not meet");
      holder.close();
      assertTrue(other.lockWhole(true));
    } finally {
      holder.close();
    }
  }

  @Test
  void theDescriptorLeadsToTheFileWhateverBecameOfItsPath() throws Exception {
    try (HostFile file = host().open(path, true, false)) {
      Files.delete(path);
      Files.write(path, new byte[10]);
      assertEquals(16 * MIB, Files.size(file.descriptor()));
      Files.delete(path);
      assertEquals(16 * MIB, Files.size(file.descriptor()));
    }
  }

  @Test
  void threadsUseOneFileAtOnce() throws Exception {
    try (HostFile file = host().open(path, true, false)) {
      Threads.run(
          4,
          thread -> {
            for (int i = 0; i < 4; i++) {
              file.punchHole((long) (2 + 3 * thread) * MIB + i * 65_536L, 65_536);
            }
          });
    }
    for (int thread = 0; thread < 4; thread++) {
      assertZeroed(path, (2 + 3 * thread) * MIB, (2 + 3 * thread) * MIB + 4 * 65_536);
    }
  }

  @Test
  void theGeometryIsTheDevicesOwn() throws Exception {
    try (LoopDevice loop = new LoopDevice(path, "--sector-size", "4096");
        HostFile file = host().open(loop.device, true, false)) {
      assertEquals(16 * MIB, file.blockSize64());
      assertEquals(4096, file.logicalBlockSize());
      assertEquals(4096, file.physicalBlockSize());
      assertEquals(4096, file.minimumIo());
      assertFalse(file.readOnly());
      Path queue = Path.of("/sys/block", loop.device.getFileName().toString(), "queue/rotational");
      assertEquals(Files.readString(queue).strip().equals("1"), file.rotational());
    }
  }

  @Test
  void aReadOnlyDeviceSaysSo() throws Exception {
    try (LoopDevice loop = new LoopDevice(path, "--read-only");
        HostFile file = host().open(loop.device, false, false)) {
      assertTrue(file.readOnly());
    }
  }

  @Test
  void aBlockDiscardReachesTheDevice() throws Exception {
    try (LoopDevice loop = new LoopDevice(path);
        HostFile file = host().open(loop.device, true, true)) {
      file.blockDiscard(MIB, MIB);
      file.blockZeroOut(4 * MIB, MIB);
    }
    assertZeroed(path, MIB, 2 * MIB);
    assertZeroed(path, 4 * MIB, 5 * MIB);
  }

  @Test
  void anUnalignedBlockDiscardIsEinval() throws Exception {
    try (LoopDevice loop = new LoopDevice(path);
        HostFile file = host().open(loop.device, true, true)) {
      assertEquals(Errno.EINVAL, errno(() -> file.blockDiscard(1, 512)));
      assertEquals(Errno.EINVAL, errno(() -> file.blockZeroOut(0, 100)));
    }
  }

  @Test
  void anExclusiveOpenIsEbusyWhileHeldAndFreeAfterwards() throws Exception {
    try (LoopDevice loop = new LoopDevice(path)) {
      try (HostFile holder = host().open(loop.device, true, true)) {
        assertEquals(Errno.EBUSY, errno(() -> host().open(loop.device, true, true)));
        host().open(loop.device, true, false).close();
        assertEquals(16 * MIB, holder.blockSize64());
      }
      host().open(loop.device, true, true).close();
    }
  }

  @Test
  void anExclusiveOpenOfAMountedDeviceIsEbusy() throws Exception {
    try (LoopDevice loop = new LoopDevice(path)) {
      loop.mountExt4(directory.resolve("mnt"));
      assertEquals(Errno.EBUSY, errno(() -> host().open(loop.device, true, true)));
    }
  }

  @Test
  void aSecondFreezeIsEbusyAndASecondThawEinval() throws Exception {
    try (LoopDevice loop = new LoopDevice(path)) {
      Path mount = loop.mountExt4(directory.resolve("mnt"));
      host().freeze(mount);
      try {
        assertEquals(Errno.EBUSY, errno(() -> host().freeze(mount)));
      } finally {
        host().thaw(mount);
      }
      Files.writeString(mount.resolve("after"), "thawed");
      assertEquals(Errno.EINVAL, errno(() -> host().thaw(mount)));
    }
  }

  @Test
  void aFileSystemThatCannotFreezeSaysSo() {
    assertEquals(Errno.EOPNOTSUPP, errno(() -> host().freeze(Path.of("/proc"))));
    assertEquals(Errno.ENOENT, errno(() -> host().freeze(directory.resolve("missing"))));
  }
}

// SPDX-License-Identifier: Apache-2.0
package org.blksnap.device.internal;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.blksnap.api.block.AllocationExtent;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.contract.LoopDevice;
import org.blksnap.spi.device.OpenRequest;
import org.blksnap.spi.device.RawDevice;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Files nobody expects, on file systems as they come. */
@Timeout(120)
class StrangeFilesTest {
  private static final int ODD = 1_000_003;
  private static final int WHOLE = 1_000_448;
  private static final byte FILL = 0x5a;

  @TempDir Path directory;
  private final ToolHost host = new ToolHost();
  private final LocalDeviceProvider provider =
      new LocalDeviceProvider(Surroundings.of(Path.of("/sys"), Path.of("/proc")), host);

  @AfterEach
  void closeAll() {
    provider.close();
    assertEquals(0, host.openFiles.get(), "host files left open");
  }

  private RawDevice open(Path path, boolean readOnly) throws BlksnapException {
    return provider.open(new OpenRequest(path, readOnly, false));
  }

  private String refused(Errno errno, Path path) {
    BlksnapException refusal = assertThrows(BlksnapException.class, () -> open(path, false));
    assertEquals(errno, refusal.errno(), refusal.getMessage());
    assertTrue(refusal.getMessage().startsWith(path.toString()), refusal.getMessage());
    return refusal.getMessage();
  }

  private static Path filled(Path path, int bytes) throws IOException {
    byte[] content = new byte[bytes];
    Arrays.fill(content, FILL);
    return Files.write(path, content);
  }

  private static byte[] read(RawDevice device, long offset, int length) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(length);
    device.read(bytes, offset);
    return bytes.array();
  }

  @Test
  void whatIsNoFileIsRefusedAtOnce() throws Exception {
    Path pipe = directory.resolve("pipe");
    LoopDevice.run("mkfifo", pipe.toString());
    refused(Errno.ENODEV, pipe);
    Path socket = directory.resolve("socket");
    try (ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      server.bind(UnixDomainSocketAddress.of(socket));
      refused(Errno.ENODEV, socket);
    }
    refused(Errno.ENODEV, directory);
    refused(Errno.ENODEV, Path.of("/dev/zero"));
    refused(Errno.ENODEV, Path.of("/proc/cpuinfo"));
    refused(Errno.ENODEV, Path.of("/proc/self/mem"));
    refused(Errno.ENODEV, Path.of("/sys/kernel/mm/transparent_hugepage/enabled"));
  }

  @Test
  void aLinkToNothingOrToItselfIsRefused() throws Exception {
    Path link = Files.createSymbolicLink(directory.resolve("link"), directory.resolve("none"));
    refused(Errno.ENOENT, link);
    Path round = directory.resolve("round");
    Files.createSymbolicLink(round, round);
    assertThrows(BlksnapException.class, () -> open(round, false));
    Path inFile = filled(directory.resolve("f"), 512).resolve("x");
    // The JDK's word for it differs from version to version.
    Errno seen = assertThrows(BlksnapException.class, () -> open(inFile, false)).errno();
    assertTrue(seen == Errno.ENOTDIR || seen == Errno.ENOENT, seen.toString());
  }

  @Test
  void aSecondNameIsTheSameFile() throws Exception {
    Path path = filled(directory.resolve("disk"), ODD);
    Path hard = Files.createLink(directory.resolve("hard"), path);
    Path soft = Files.createSymbolicLink(directory.resolve("soft"), hard);
    try (RawDevice device = open(path, false)) {
      assertEquals(
          device.identity().key(),
          new Identities(new SysBlock(Path.of("/sys"))).of(FileStat.of(soft)).key());
      refused(Errno.EBUSY, hard);
      refused(Errno.EBUSY, soft);
    }
    open(soft, false).close();
  }

  @Test
  void aSparseFileLargerThanItsFileSystemIsServed() throws Exception {
    Path path = directory.resolve("sparse");
    try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
      file.setLength((1L << 42) + 1);
    }
    RawDevice device = open(path, false);
    assertEquals((1L << 42) + 512, device.geometry().capacity());
    assertArrayEquals(new byte[512], read(device, 1L << 42, 512));
    device.write(ByteBuffer.allocate(512), 1L << 41);
    assertArrayEquals(new byte[512], read(device, 1L << 41, 512));
  }

  @Test
  void aFileThatShrinksUnderReadersFailsNamingTheByteAndIsFollowed() throws Exception {
    Path path = filled(directory.resolve("disk"), ODD);
    RawDevice device = open(path, false);
    try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
      file.setLength(5000);
    }
    IOException failure = assertThrows(IOException.class, () -> read(device, 4096, 4096));
    assertEquals(Errno.EIO, BlksnapException.errnoOf(failure));
    assertTrue(failure.getMessage().contains("shrunk"), failure.getMessage());
    assertTrue(device.refresh());
    assertEquals(5120, device.geometry().capacity());
    assertEquals(FILL, read(device, 4999, 10)[0]);
  }

  @ParameterizedTest
  @ValueSource(strings = {"ext4", "xfs", "btrfs", "tmpfs"})
  void eachFileSystemServesAnOddFileWhole(String type) throws Exception {
    try (SmallFileSystem mounted = new SmallFileSystem(directory, provider, type)) {
      Path path = filled(mounted.point.resolve("disk"), ODD);
      try (RawDevice device = open(path, false)) {
        assertEquals(WHOLE, device.geometry().capacity());
        byte[] all = new byte[WHOLE];
        Arrays.fill(all, 0, ODD, FILL);
        assertArrayEquals(all, read(device, 0, WHOLE));
        device.discard(65_536, 65_536);
        device.writeZeroes(262_144, 131_072, true, false);
        device.writeZeroes(524_288, 131_072, false, false);
        device.writeZeroes(WHOLE - 600, 600, false, false);
        Arrays.fill(all, 65_536, 131_072, (byte) 0);
        Arrays.fill(all, 262_144, 393_216, (byte) 0);
        Arrays.fill(all, 524_288, 655_360, (byte) 0);
        Arrays.fill(all, WHOLE - 600, WHOLE, (byte) 0);
        assertArrayEquals(all, read(device, 0, WHOLE));
        long covered = 0;
        for (AllocationExtent extent : device.allocation(0, WHOLE, 100)) {
          assertEquals(covered, extent.offset());
          assertEquals(0, extent.length() % 512);
          covered += extent.length();
        }
        assertEquals(WHOLE, covered);
        refused(Errno.EBUSY, path);
        Files.move(path, mounted.point.resolve("moved"));
        assertTrue(
            provider.examine().get(0).observation().contains("nothing is there"),
            provider.examine().toString());
        device.write(ByteBuffer.allocate(512).put(0, (byte) 7), 0);
        device.flush();
        assertEquals(7, Files.readAllBytes(mounted.point.resolve("moved"))[0]);
      }
    }
  }

  @Test
  void aFullFileSystemIsEnospc() throws Exception {
    try (SmallFileSystem mounted = new SmallFileSystem(directory, provider, "tmpfs")) {
      Path path = mounted.point.resolve("disk");
      try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
        file.setLength(64 << 20);
      }
      try (RawDevice device = open(path, false)) {
        IOException full =
            assertThrows(
                IOException.class,
                () -> {
                  for (int at = 0; at < 64 << 20; at += 1 << 20) {
                    device.write(ByteBuffer.allocate(1 << 20), at);
                  }
                });
        assertEquals(Errno.ENOSPC, BlksnapException.errnoOf(full), full.getMessage());
      }
    }
  }

  @Test
  void aFileThatMayNotBeWrittenSaysWhyAndIsServedForReading() throws Exception {
    try (SmallFileSystem mounted = new SmallFileSystem(directory, provider, "ext4")) {
      Path path = filled(mounted.point.resolve("disk"), ODD);
      LoopDevice.run("chattr", "+i", path.toString());
      assertTrue(refused(Errno.EPERM, path).contains("chattr -i"));
      open(path, true).close();
      LoopDevice.run("chattr", "-i", path.toString());
      LoopDevice.run("mount", "-o", "remount,ro", mounted.point.toString());
      assertTrue(refused(Errno.EROFS, path).contains("read-only"));
      try (RawDevice device = open(path, true)) {
        assertEquals(WHOLE, device.geometry().capacity());
        assertEquals(FILL, read(device, ODD - 1, 1)[0]);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"512", "4096"})
  void aLoopDeviceIsServedByTheByteWhateverItsSectors(String sector) throws Exception {
    Path backing = filled(directory.resolve("backing"), 1 << 20);
    try (LoopDevice loop = new LoopDevice(backing, "--sector-size", sector)) {
      Path link = Files.createSymbolicLink(directory.resolve("by-id"), loop.device);
      try (RawDevice device = open(link, false)) {
        assertEquals(Integer.parseInt(sector), device.geometry().logicalBlockSize());
        assertEquals(1 << 20, device.geometry().capacity());
        device.write(ByteBuffer.allocate(700).put(0, (byte) 9), 1000);
        device.writeZeroes(5000, 10_000, false, false);
        byte[] wanted = new byte[1 << 20];
        Arrays.fill(wanted, FILL);
        Arrays.fill(wanted, 1000, 1700, (byte) 0);
        wanted[1000] = 9;
        Arrays.fill(wanted, 5000, 15_000, (byte) 0);
        assertArrayEquals(wanted, read(device, 0, 1 << 20));
        Files.delete(link);
        assertEquals(
            1, provider.examine().stream().filter(f -> f.remedy().contains("move")).count());
      }
    }
  }

  /**
   * Below 4 KiB sectors the kernel leaves an end it cannot address; nothing of it is claimed
   * wrongly.
   */
  @Test
  void aDeviceThatIsNoMultipleOfItsSectorIsReadToItsEndOrSaysSo() throws Exception {
    Path backing = filled(directory.resolve("backing"), 10 * 512);
    try (LoopDevice loop = new LoopDevice(backing, "--sector-size", "4096");
        RawDevice device = open(loop.device, false)) {
      long capacity = device.geometry().capacity();
      assertEquals(FILL, read(device, 0, 4096)[4095]);
      try {
        assertEquals(FILL, read(device, 0, (int) capacity)[(int) capacity - 1]);
      } catch (IOException told) {
        assertEquals(Errno.EIO, BlksnapException.errnoOf(told));
      }
    }
  }

  @Test
  void aLoopDeviceWithoutAFileIsRefused() throws Exception {
    Path backing = filled(directory.resolve("backing"), 1 << 20);
    Path free;
    try (LoopDevice loop = new LoopDevice(backing)) {
      free = loop.device;
    }
    assumeTrue(Files.exists(free), "SKIPPED: the node went with its loop device");
    BlksnapException none = assertThrows(BlksnapException.class, () -> open(free, false));
    assertTrue(List.of(Errno.ENXIO, Errno.EBUSY).contains(none.errno()), none.getMessage());
  }

  /**
   * Also where it is the backing file that is asked for, or the loop device over an attached file.
   */
  @Test
  void theFileBelowALoopDeviceIsRefused() throws Exception {
    Path backing = filled(directory.resolve("backing"), 1 << 20);
    try (LoopDevice loop = new LoopDevice(backing)) {
      assertTrue(refused(Errno.EBUSY, backing).contains(loop.device.toString()));
    }
  }
}

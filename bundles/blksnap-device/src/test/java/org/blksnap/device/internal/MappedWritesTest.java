// SPDX-License-Identifier: Apache-2.0
package org.blksnap.device.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.contract.LoopDevice;
import org.blksnap.spi.device.OpenRequest;
import org.blksnap.spi.device.RawDevice;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Writes through a mapping made before, past us: seen afterwards, or nothing is proven. */
@Timeout(120)
class MappedWritesTest {
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

  /** Reads a page through a mapping, then writes it: nothing faults at the write in some. */
  private static void writeThroughAMapping(Path path) throws Exception {
    String io = "/usr/sbin/xfs_io";
    assumeTrue(Files.isExecutable(Path.of(io)), "SKIPPED: " + io + " is not installed");
    LoopDevice.run(
        io, "-c", "mmap -rw 0 4096", "-c", "mread 0 1", "-c", "mwrite -S 7 0 1", path.toString());
  }

  private void aWriteThroughAMappingIsTold(Path written, Path opened) throws Exception {
    try (RawDevice device = open(opened, false)) {
      device.write(ByteBuffer.allocate(4096), 8192);
      device.flush();
      Thread.sleep(device.stampGranule().toMillis());
      String before = device.fingerprint();
      writeThroughAMapping(written);
      assertEquals(7, read(device, 0, 1)[0]);
      assertNotEquals(before, device.fingerprint());
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"ext4", "xfs", "btrfs", "tmpfs"})
  void aWriteThroughAMappingIsToldOrNothingIsProven(String type) throws Exception {
    try (SmallFileSystem mounted = new SmallFileSystem(directory, provider, type)) {
      Path path = filled(mounted.point.resolve("disk"), 1 << 20);
      aWriteThroughAMappingIsTold(path, path);
    }
  }

  @Test
  void aWriteThroughAMappingOfAnOverlayInMemoryIsToldOrNothingIsProven() throws Exception {
    try (SmallFileSystem mounted = new SmallFileSystem(directory, provider, "tmpfs")) {
      Path lower = Files.createDirectories(directory.resolve("lower"));
      Path upper = Files.createDirectories(mounted.point.resolve("upper"));
      Path work = Files.createDirectories(mounted.point.resolve("work"));
      Path merged = Files.createDirectories(directory.resolve("merged"));
      String layers = "lowerdir=" + lower + ",upperdir=" + upper + ",workdir=" + work;
      LoopDevice.run("mount", "-t", "overlay", "-o", layers, "none", merged.toString());
      try {
        Path path = filled(merged.resolve("disk"), 1 << 20);
        aWriteThroughAMappingIsTold(path, path);
      } finally {
        LoopDevice.run("umount", merged.toString());
      }
    }
  }

  @Test
  void aWriteThroughAMappingToALoopDevicesFileInMemoryIsToldOrNothingIsProven() throws Exception {
    try (SmallFileSystem mounted = new SmallFileSystem(directory, provider, "tmpfs")) {
      Path path = filled(mounted.point.resolve("disk"), 1 << 20);
      try (LoopDevice loop = new LoopDevice(path)) {
        aWriteThroughAMappingIsTold(path, loop.device);
      }
    }
  }
}

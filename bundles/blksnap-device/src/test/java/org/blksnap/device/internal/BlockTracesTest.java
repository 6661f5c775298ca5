// SPDX-License-Identifier: Apache-2.0
package org.blksnap.device.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.contract.LoopDevice;
import org.blksnap.spi.device.OpenRequest;
import org.blksnap.spi.device.RawDevice;
import org.blksnap.spi.device.Trace;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What a block device's fingerprint tells of other writers, wherever what they wrote is still. */
@Timeout(60)
class BlockTracesTest {
  private static final int MIB = 1 << 20;

  @TempDir Path directory;
  private final LocalDeviceProvider provider =
      new LocalDeviceProvider(Surroundings.of(Path.of("/sys"), Path.of("/proc")), new ToolHost());
  private Path backing;

  @BeforeEach
  void makeBacking() throws Exception {
    backing = directory.resolve("backing");
    Files.write(backing, new byte[16 * MIB]);
  }

  @AfterEach
  void closeAll() {
    provider.close();
  }

  private RawDevice open(Path path, boolean readOnly) throws BlksnapException {
    return provider.open(new OpenRequest(path, readOnly, true));
  }

  /** As written last by us, so that something is counted. */
  private static String written(RawDevice device) throws Exception {
    device.write(ByteBuffer.allocateDirect(4096), 0);
    String fingerprint = device.fingerprint();
    assertEquals(fingerprint, device.fingerprint());
    return fingerprint;
  }

  /** Buffered, and whoever wrote it keeps the node open, so that no close writes it back. */
  private static FileChannel write(Path node, long offset) throws Exception {
    FileChannel channel = FileChannel.open(node, StandardOpenOption.WRITE);
    channel.write(ByteBuffer.wrap(new byte[4096]), offset);
    return channel;
  }

  private static Path partition(LoopDevice loop, int number, int start, int sectors)
      throws Exception {
    LoopDevice.run(
        "addpart",
        loop.device.toString(),
        Integer.toString(number),
        Integer.toString(start),
        Integer.toString(sectors));
    return Path.of(loop.device + "p" + number);
  }

  @Test
  void aWriteStillInTheCacheOfADeviceOpenedForReadingIsTold() throws Exception {
    try (LoopDevice loop = new LoopDevice(backing)) {
      try (RawDevice device = open(loop.device, false)) {
        written(device);
      }
      try (RawDevice device = open(loop.device, true)) {
        String before = device.fingerprint();
        try (FileChannel other = write(loop.device, MIB)) {
          assertTrue(other.isOpen());
          assertNotEquals(before, device.fingerprint());
        }
      }
    }
  }

  @Test
  void aWriteStillInTheCacheOfAPartitionsDiskIsTold() throws Exception {
    try (LoopDevice loop = new LoopDevice(backing, "-P");
        RawDevice device = open(partition(loop, 1, 2048, 8192), false)) {
      String before = written(device);
      try (FileChannel other = write(loop.device, 2 * MIB)) {
        assertTrue(other.isOpen());
        assertNotEquals(before, device.fingerprint());
      }
    }
  }

  @Test
  void aWriteStillInTheCacheOfADisksPartitionIsTold() throws Exception {
    try (LoopDevice loop = new LoopDevice(backing, "-P")) {
      Path partition = partition(loop, 1, 2048, 8192);
      try (RawDevice device = open(loop.device, false)) {
        String before = written(device);
        try (FileChannel other = write(partition, 0)) {
          assertTrue(other.isOpen());
          assertNotEquals(before, device.fingerprint());
        }
      }
    }
  }

  @Test
  void aWriteToAnotherPartitionIsNone() throws Exception {
    try (LoopDevice loop = new LoopDevice(backing, "-P")) {
      Path mine = partition(loop, 1, 2048, 8192);
      Path others = partition(loop, 2, 10240, 8192);
      try (RawDevice device = open(mine, false)) {
        String[] before = written(device).split(" over ");
        try (FileChannel other = write(others, 0)) {
          other.force(true);
        }
        assertEquals(before[0], device.fingerprint().split(" over ")[0]);
      }
    }
  }

  @Test
  void aPartitionMadeAnewIsAnotherEvenWhereItsCountersAreEqual() throws Exception {
    try (LoopDevice loop = new LoopDevice(backing, "-P")) {
      String before;
      try (RawDevice device = open(partition(loop, 1, 2048, 8192), false)) {
        before = written(device);
      }
      LoopDevice.run("delpart", loop.device.toString(), "1");
      try (RawDevice device = open(partition(loop, 1, 2048, 8192), false)) {
        assertNotEquals(node(before), node(written(device)));
      }
    }
  }

  private static String node(String fingerprint) {
    return fingerprint.replaceAll(".* node (\\d+) .*", "$1");
  }

  @Test
  void aLoopDeviceWhoseFileIsGoneProvesNothing() throws Exception {
    try (LoopDevice loop = new LoopDevice(backing);
        RawDevice device = open(loop.device, false)) {
      written(device);
      Files.delete(backing);
      assertNotEquals(device.fingerprint(), device.fingerprint());
    }
  }

  @Test
  void aWriteToTheDeviceBehindALoopDeviceIsTold() throws Exception {
    try (LoopDevice below = new LoopDevice(backing);
        LoopDevice loop = new LoopDevice(below.device);
        RawDevice device = open(loop.device, false)) {
      String before = written(device);
      try (FileChannel other = write(below.device, MIB)) {
        assertTrue(other.isOpen());
        assertNotEquals(before, device.fingerprint());
      }
    }
  }

  @Test
  void countersThatStandStillProveNothing() throws Exception {
    try (LoopDevice loop = new LoopDevice(backing);
        RawDevice device = open(loop.device, false)) {
      written(device);
      Map<Trace, String> readings = Readings.of(device.traces());
      assertTrue(device.fingerprintOf(readings).isPresent());
      assertEquals(Optional.empty(), with(device, readings, "queue/iostats", "0"));
      assertEquals(
          Optional.empty(), with(device, readings, "stat", "0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0"));
      assertEquals(Optional.empty(), with(device, readings, "stat", Trace.NOTHING));
      for (Trace trace : device.traces()) {
        Map<Trace, String> fewer = new HashMap<>(readings);
        fewer.remove(trace);
        assertEquals(Optional.empty(), device.fingerprintOf(fewer), trace.toString());
      }
    }
  }

  private static Optional<String> with(
      RawDevice device, Map<Trace, String> readings, String file, String reading) {
    Map<Trace, String> other = new HashMap<>(readings);
    other.replaceAll((trace, is) -> trace.path().endsWith(file) ? reading : is);
    return device.fingerprintOf(other);
  }

  @Test
  void resizeIsTold() throws Exception {
    try (LoopDevice loop = new LoopDevice(backing);
        RawDevice device = open(loop.device, false)) {
      String before = written(device);
      try (RandomAccessFile file = new RandomAccessFile(backing.toFile(), "rw")) {
        file.setLength(32 * MIB);
      }
      LoopDevice.run("losetup", "-c", loop.device.toString());
      assertNotEquals(before, device.fingerprint());
    }
  }
}

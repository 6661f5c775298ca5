// SPDX-License-Identifier: Apache-2.0
package org.blksnap.device.internal;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
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

/** A file that is no multiple of a sector loses nothing. */
@Timeout(60)
class LastSectorTest {
  private static final byte FILL = 0x5a;

  @TempDir Path directory;
  private final ToolHost host = new ToolHost();
  private final LocalDeviceProvider provider =
      new LocalDeviceProvider(Surroundings.of(Path.of("/sys"), Path.of("/proc")), host);

  @AfterEach
  void closeAll() {
    provider.close();
  }

  private Path file(int bytes) throws IOException {
    byte[] content = new byte[bytes];
    Arrays.fill(content, FILL);
    return Files.write(directory.resolve("odd"), content);
  }

  private RawDevice open(Path path) throws BlksnapException {
    return provider.open(new OpenRequest(path, false, false));
  }

  private static byte[] read(RawDevice device, long offset, int length) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(length);
    device.read(bytes, offset);
    return bytes.array();
  }

  private static byte[] padded(int bytes, int length) {
    byte[] wanted = new byte[length];
    Arrays.fill(wanted, 0, bytes, FILL);
    return wanted;
  }

  @Test
  void theLastBytesOfAFileAreServedAndZeroesBehindThem() throws Exception {
    Path path = file(202_893);
    RawDevice device = open(path);
    assertEquals(203_264, device.geometry().capacity());
    assertEquals(203_264, provider.geometry(path).capacity());
    assertArrayEquals(padded(202_893, 203_264), read(device, 0, 203_264));
    assertArrayEquals(padded(3, 20), read(device, 202_890, 20));
    assertArrayEquals(new byte[10], read(device, 202_900, 10));
    assertEquals(202_893, Files.size(path), "a read changes nothing");
  }

  @Test
  void aFileOfOneByteIsADeviceOfOneSector() throws Exception {
    RawDevice device = open(file(1));
    assertEquals(512, device.geometry().capacity());
    assertArrayEquals(padded(1, 512), read(device, 0, 512));
  }

  @Test
  void aTransferSendsTheZeroesToo() throws Exception {
    RawDevice device = open(file(1000));
    ByteArrayOutputStream got = new ByteArrayOutputStream();
    device.transferTo(0, 1024, Channels.newChannel(got));
    assertArrayEquals(padded(1000, 1024), got.toByteArray());
  }

  @Test
  void aReadBeyondTheLastSectorIsStillRefused() throws Exception {
    RawDevice device = open(file(1000));
    IOException failure = assertThrows(IOException.class, () -> read(device, 512, 1024));
    assertEquals(Errno.EIO, BlksnapException.errnoOf(failure));
  }

  /** As a restoration of the whole device does it. */
  @Test
  void aWriteOfTheLastSectorMakesTheFileWhole() throws Exception {
    Path path = file(1000);
    RawDevice device = open(path);
    ByteBuffer sector = ByteBuffer.allocate(512);
    Arrays.fill(sector.array(), (byte) 7);
    device.write(sector, 512);
    assertEquals(1024, Files.size(path));
    assertFalse(device.refresh(), "the capacity is what it was");
    assertEquals(7, read(device, 1023, 1)[0]);
  }

  @Test
  void aWriteBeforeTheEndLeavesTheFilesLength() throws Exception {
    Path path = file(1000);
    open(path).write(ByteBuffer.allocate(100), 800);
    assertEquals(1000, Files.size(path));
  }

  @Test
  void zeroesOverTheEndReadAsZeroes() throws Exception {
    RawDevice device = open(file(1000));
    device.writeZeroes(900, 124, true, false);
    device.writeZeroes(800, 224, false, false);
    device.discard(512, 512);
    assertArrayEquals(padded(512, 1024), read(device, 0, 1024));
  }

  @Test
  void theLastSectorIsDataToItsEnd() throws Exception {
    host.data = new long[] {0, 1000};
    RawDevice device = open(file(1000));
    assertEquals(
        List.of(new AllocationExtent(0, 1024, false, false)), device.allocation(0, 1024, 9));
  }

  @Test
  void growingWithinTheLastSectorIsNoNewCapacityAndBeyondItIs() throws Exception {
    Path path = file(1000);
    RawDevice device = open(path);
    LoopDevice.run("truncate", "-s", "1020", path.toString());
    assertFalse(device.refresh());
    LoopDevice.run("truncate", "-s", "1025", path.toString());
    assertTrue(device.refresh());
    assertEquals(1536, device.geometry().capacity());
  }

  @Test
  void anEmptyFileIsRefusedWithTheRemedy() throws Exception {
    Path path = file(0);
    BlksnapException refused = assertThrows(BlksnapException.class, () -> open(path));
    assertEquals(Errno.EINVAL, refused.errno());
    assertTrue(refused.getMessage().contains("truncate -s"), refused.getMessage());
  }
}

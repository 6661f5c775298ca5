// SPDX-License-Identifier: Apache-2.0
package org.blksnap.contract;

import static org.blksnap.contract.Bytes.errno;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import org.blksnap.api.block.AllocationExtent;
import org.blksnap.api.block.Errno;
import org.blksnap.api.block.Geometry;
import org.blksnap.spi.device.DeviceProvider;
import org.blksnap.spi.device.OpenRequest;
import org.blksnap.spi.device.RawDevice;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** {@link DeviceProvider} and {@link RawDevice}. */
@Timeout(60)
public abstract class RawDeviceContract {
  /** Size of the device a test works on. */
  protected static final int CAPACITY = 2 << 20;

  /** What every byte of it is at first. */
  protected static final byte FILL = 0x5a;

  @TempDir protected Path directory;

  protected abstract DeviceProvider provider();

  /** Path of the device: {@link #CAPACITY} bytes of {@link #FILL}. */
  protected abstract Path path() throws Exception;

  private RawDevice open() throws Exception {
    return provider().open(new OpenRequest(path(), false, false));
  }

  private static byte[] read(RawDevice device, long offset, int length) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocateDirect(length);
    device.read(bytes, offset);
    byte[] read = new byte[length];
    bytes.flip().get(read);
    return read;
  }

  /** The device with these bytes of it changed. */
  private static void assertChanged(RawDevice device, int from, int to, int value)
      throws IOException {
    byte[] expected = Bytes.filled(CAPACITY, FILL);
    Arrays.fill(expected, from, to, (byte) value);
    assertArrayEquals(expected, read(device, 0, CAPACITY));
  }

  @Test
  void aPathThatIsNotThereIsEnoent() {
    Path missing = directory.resolve("missing");
    assertEquals(
        Errno.ENOENT, errno(() -> provider().open(new OpenRequest(missing, false, false))));
    assertEquals(Errno.ENOENT, errno(() -> provider().geometry(missing)));
  }

  @Test
  void neitherFileNorBlockDeviceIsEnodev() {
    for (Path other : List.of(directory, Path.of("/dev/null"))) {
      assertEquals(
          Errno.ENODEV, errno(() -> provider().open(new OpenRequest(other, false, false))));
      assertEquals(Errno.ENODEV, errno(() -> provider().geometry(other)));
    }
  }

  @Test
  void geometryIsTheSameOpenOrNot() throws Exception {
    Geometry geometry = provider().geometry(path());
    try (RawDevice device = open()) {
      assertEquals(geometry, device.geometry());
      assertEquals(geometry, provider().geometry(path()), "while it is open");
    }
    assertEquals(CAPACITY, geometry.capacity());
    assertTrue(geometry.physicalBlockSize() >= geometry.logicalBlockSize(), geometry.toString());
    assertTrue(geometry.minimumIo() > 0, geometry.toString());
  }

  @Test
  void whatWasWrittenIsReadAndBuffersAreConsumed() throws Exception {
    try (RawDevice device = open()) {
      for (ByteBuffer src : List.of(Bytes.pattern(5000, 1), ByteBuffer.wrap(new byte[] {1, 2}))) {
        ByteBuffer dst = src.isDirect() ? ByteBuffer.allocate(5000) : ByteBuffer.allocateDirect(2);
        device.write(src, 12_345);
        assertFalse(src.hasRemaining());
        device.read(dst, 12_345);
        assertFalse(dst.hasRemaining());
        assertEquals(src.flip(), dst.flip());
      }
      device.flush();
      assertEquals(FILL, read(device, 12_344, 1)[0]);
    }
  }

  @Test
  void aPartOfABufferIsMovedAlone() throws Exception {
    try (RawDevice device = open()) {
      ByteBuffer src = Bytes.pattern(4096, 7).limit(3000).position(1000);
      device.write(src.duplicate(), 500);
      ByteBuffer dst = ByteBuffer.allocate(4096).limit(3000).position(1000);
      device.read(dst, 500);
      assertEquals(src, dst.position(1000));
      assertChangedOutside(device, 500, 2500);
    }
  }

  private static void assertChangedOutside(RawDevice device, int from, int to) throws IOException {
    assertEquals(FILL, read(device, from - 1, 1)[0]);
    assertEquals(FILL, read(device, to, 1)[0]);
  }

  @Test
  void threadsAtWorkAtOnceSeeEachItsOwn() throws Exception {
    try (RawDevice device = open()) {
      int part = CAPACITY / 4;
      Threads.run(
          4,
          thread -> {
            for (int round = 0; round < 50; round++) {
              ByteBuffer src = Bytes.pattern(8192, thread * 100 + round);
              long offset = (long) thread * part + round * 8192L % (part - 8192);
              device.write(src, offset);
              ByteBuffer dst = ByteBuffer.allocateDirect(8192);
              device.read(dst, offset);
              assertEquals(src.flip(), dst.flip());
            }
          });
    }
  }

  @Test
  void aReadPastTheEndFailsInsteadOfAnsweringLess() throws Exception {
    try (RawDevice device = open()) {
      assertEquals(Errno.EIO, errno(() -> device.read(ByteBuffer.allocate(8192), CAPACITY - 4096)));
      assertEquals(Errno.EIO, errno(() -> device.transferTo(CAPACITY, 512, new Bytes.Sink())));
    }
  }

  @Test
  void openedReadOnlyEveryChangeIsErofs() throws Exception {
    try (RawDevice device = provider().open(new OpenRequest(path(), true, false))) {
      assertTrue(device.geometry().readOnly());
      assertEquals(Errno.EROFS, errno(() -> device.write(ByteBuffer.allocate(512), 0)));
      assertEquals(Errno.EROFS, errno(() -> device.discard(0, 512)));
      assertEquals(Errno.EROFS, errno(() -> device.writeZeroes(0, 512, false, false)));
      device.flush();
      assertChanged(device, 0, 0, 0);
    }
  }

  @Test
  void aRefreshWithoutAResizeSaysSo() throws Exception {
    try (RawDevice device = open()) {
      Geometry before = device.geometry();
      assertFalse(device.refresh());
      assertEquals(before, device.geometry());
    }
  }

  @Test
  void theIdentityStaysTheSame() throws Exception {
    String key;
    try (RawDevice device = open()) {
      key = device.identity().key();
      assertEquals(path(), device.path());
    }
    try (RawDevice device = open()) {
      assertEquals(key, device.identity().key());
    }
  }

  @Test
  void theFingerprintStaysWhereNobodyWrites() throws Exception {
    String before;
    try (RawDevice device = open()) {
      device.write(Bytes.pattern(512, 1), 0);
      device.flush();
      before = device.fingerprint();
      assertEquals(before, device.fingerprint());
    }
    try (RawDevice device = open()) {
      assertEquals(before, device.fingerprint());
    }
  }

  @Test
  void zeroesTouchNoNeighbour() throws Exception {
    for (boolean keepAllocated : new boolean[] {false, true}) {
      try (RawDevice device = open()) {
        device.write(ByteBuffer.wrap(Bytes.filled(8192, FILL)), 0);
        device.writeZeroes(1000, 5000, keepAllocated, false);
        assertChanged(device, 1000, 6000, 0);
      }
    }
  }

  @Test
  void aWholeMebibyteOfZeroesReadsAsZeroes() throws Exception {
    try (RawDevice device = open()) {
      device.writeZeroes(1 << 19, 1 << 20, false, false);
      assertChanged(device, 1 << 19, (1 << 19) + (1 << 20), 0);
    }
  }

  @Test
  void fastZeroesAreZeroesOrEopnotsuppAndNothing() throws Exception {
    try (RawDevice device = open()) {
      int zeroed = 0;
      try {
        device.writeZeroes(0, 65_536, false, true);
        zeroed = 65_536;
      } catch (IOException refused) {
        assertEquals(
            Errno.EOPNOTSUPP,
            errno(
                () -> {
                  throw refused;
                }));
      }
      assertChanged(device, 0, zeroed, 0);
    }
  }

  @Test
  void aDiscardTouchesNoNeighbour() throws Exception {
    try (RawDevice device = open()) {
      device.discard(1000, 100_000);
      byte[] after = read(device, 0, CAPACITY);
      for (int i = 0; i < CAPACITY; i++) {
        boolean inside = i >= 1000 && i < 101_000;
        assertTrue(after[i] == FILL || (inside && after[i] == 0), "byte " + i);
      }
    }
  }

  @Test
  void nothingAskedForIsNothingDone() throws Exception {
    try (RawDevice device = open()) {
      device.read(ByteBuffer.allocate(0), CAPACITY);
      device.write(ByteBuffer.allocate(0), CAPACITY);
      device.discard(0, 0);
      device.writeZeroes(0, 0, false, true);
      device.transferTo(0, 0, new Bytes.Sink());
      device.prefetch(0, 0);
      assertChanged(device, 0, 0, 0);
    }
  }

  @Test
  void aTransferGivesEveryByteToASlowTaker() throws Exception {
    try (RawDevice device = open()) {
      device.write(Bytes.pattern(CAPACITY / 4, 3), 777);
      Bytes.Sink sink = new Bytes.Sink();
      device.prefetch(0, CAPACITY);
      device.transferTo(777, CAPACITY / 4, sink);
      assertEquals(Bytes.pattern(CAPACITY / 4, 3), ByteBuffer.wrap(sink.taken()));
    }
  }

  @Test
  void allocationCoversTheRangeInOrderAndHolesReadAsZeroes() throws Exception {
    try (RawDevice device = open()) {
      device.discard(1 << 20, 1 << 18);
      List<AllocationExtent> extents = device.allocation(4096, CAPACITY - 4096, 100);
      long at = 4096;
      for (AllocationExtent extent : extents) {
        assertEquals(at, extent.offset());
        assertTrue(extent.length() > 0, extent.toString());
        if (extent.zero()) {
          byte[] content = read(device, at, (int) extent.length());
          assertArrayEquals(new byte[content.length], content, extent.toString());
        }
        at += extent.length();
      }
      assertEquals(CAPACITY, at);
      List<AllocationExtent> first = device.allocation(4096, CAPACITY - 4096, 1);
      assertEquals(1, first.size());
      assertEquals(4096, first.get(0).offset());
    }
  }

  @Test
  void aDirectoryElsewhereIsNotCarried() throws Exception {
    try (RawDevice device = open()) {
      assertFalse(device.carries(directory));
    }
  }

  @Test
  void nothingMountedMeansNothingFrozen() throws Exception {
    try (RawDevice device = open()) {
      RawDevice.Thaw thaw = device.freeze(Duration.ofSeconds(5));
      assertFalse(thaw.expired());
      thaw.close();
      thaw.close();
    }
  }

  @Test
  void closedItAnswersEshutdownAndMayBeClosedAgain() throws Exception {
    RawDevice device = open();
    device.close();
    device.close();
    assertEquals(Errno.ESHUTDOWN, errno(() -> device.read(ByteBuffer.allocate(512), 0)));
    assertEquals(Errno.ESHUTDOWN, errno(() -> device.write(ByteBuffer.allocate(512), 0)));
    assertEquals(Errno.ESHUTDOWN, errno(() -> device.transferTo(0, 512, new Bytes.Sink())));
    assertEquals(Errno.ESHUTDOWN, errno(device::flush));
    open().close();
  }
}

// SPDX-License-Identifier: Apache-2.0
package org.blksnap.contract;

import static org.blksnap.contract.Bytes.errno;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.blksnap.api.block.AllocationExtent;
import org.blksnap.api.block.BlockDevice;
import org.blksnap.api.block.ByteRange;
import org.blksnap.api.block.CopyProgress;
import org.blksnap.api.block.Errno;
import org.blksnap.api.block.Extents;
import org.blksnap.api.block.IoFlags;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** {@link BlockDevice}: devices with a filter, images, and doubles of both. */
@Timeout(60)
public abstract class BlockDeviceContract {
  /** Size of the device a test works on. */
  protected static final int CAPACITY = 2 << 20;

  /** What every byte of it is at first. */
  protected static final byte FILL = 0x5a;

  /** {@link #CAPACITY} writable bytes of {@link #FILL}; the same one during a test. */
  protected abstract BlockDevice device() throws Exception;

  /** One that may not be written, or null where there is none of this kind. */
  protected abstract BlockDevice readOnly() throws Exception;

  private static byte[] read(BlockDevice device, long offset, int length) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocateDirect(length);
    device.read(bytes, offset);
    assertFalse(bytes.hasRemaining());
    byte[] read = new byte[length];
    bytes.flip().get(read);
    return read;
  }

  /** The device with these bytes of it changed. */
  private static void assertChanged(BlockDevice device, int from, int to, int value)
      throws IOException {
    byte[] expected = Bytes.filled(CAPACITY, FILL);
    Arrays.fill(expected, from, to, (byte) value);
    assertArrayEquals(expected, read(device, 0, CAPACITY));
  }

  @Test
  void itHasANameAndItsGeometry() throws Exception {
    assertFalse(device().name().isBlank());
    assertEquals(CAPACITY, device().capacity());
    assertEquals(CAPACITY, device().geometry().capacity());
    assertFalse(device().geometry().readOnly());
  }

  @Test
  void anyAlignmentIsWrittenAndRead() throws Exception {
    BlockDevice device = device();
    ByteBuffer src = ByteBuffer.wrap(Bytes.filled(5001, 7));
    device.write(src, 12_345, IoFlags.NONE);
    assertFalse(src.hasRemaining());
    device.flush();
    assertChanged(device, 12_345, 12_345 + 5001, 7);
    device.write(ByteBuffer.wrap(Bytes.filled(1, 8)), CAPACITY - 1, IoFlags.FUA);
    assertEquals(8, read(device, CAPACITY - 1, 1)[0]);
  }

  @Test
  void readsNotWhollyInsideAreEinvalAndMoveNothing() throws Exception {
    BlockDevice device = device();
    long[][] outside = {{CAPACITY - 511, 512}, {CAPACITY, 1}, {-1, 2}, {Long.MAX_VALUE, 1}};
    for (long[] range : outside) {
      ByteBuffer dst = ByteBuffer.allocate((int) range[1]);
      Bytes.Sink sink = new Bytes.Sink();
      assertEquals(Errno.EINVAL, errno(() -> device.read(dst, range[0])));
      assertEquals(0, dst.position());
      assertEquals(Errno.EINVAL, errno(() -> device.transferTo(range[0], range[1], sink)));
      assertEquals(0, sink.taken().length);
      assertEquals(Errno.EINVAL, errno(() -> device.allocation(range[0], range[1], 10)));
    }
    assertEquals(Errno.EINVAL, errno(() -> device.transferTo(1, Long.MAX_VALUE, new Bytes.Sink())));
  }

  @Test
  void writesNotWhollyInsideAreEnospcAndMoveNothing() throws Exception {
    BlockDevice device = device();
    long[][] outside = {{CAPACITY - 511, 512}, {CAPACITY, 1}, {-1, 2}, {Long.MAX_VALUE, 1}};
    for (long[] range : outside) {
      ByteBuffer src = ByteBuffer.allocate((int) range[1]);
      assertEquals(Errno.ENOSPC, errno(() -> device.write(src, range[0], IoFlags.NONE)));
      assertEquals(0, src.position());
      assertEquals(Errno.ENOSPC, errno(() -> device.discard(range[0], range[1], IoFlags.NONE)));
      assertEquals(Errno.ENOSPC, errno(() -> device.writeZeroes(range[0], range[1], IoFlags.NONE)));
    }
    assertEquals(Errno.ENOSPC, errno(() -> device.writeZeroes(1, Long.MAX_VALUE, IoFlags.NONE)));
    assertChanged(device, 0, 0, 0);
  }

  @Test
  void aFlagOfZeroesIsEinvalElsewhereAndMovesNothing() throws Exception {
    BlockDevice device = device();
    for (IoFlags flag : List.of(IoFlags.NO_HOLE, IoFlags.FAST_ZERO)) {
      ByteBuffer src = ByteBuffer.allocate(512);
      assertEquals(Errno.EINVAL, errno(() -> device.write(src, 0, flag)));
      assertEquals(Errno.EINVAL, errno(() -> device.write(src, 0, flag.with(IoFlags.FUA))));
      assertEquals(0, src.position());
      assertEquals(Errno.EINVAL, errno(() -> device.discard(0, 512, flag)));
    }
    assertChanged(device, 0, 0, 0);
  }

  @Test
  void withoutFlagsIsWithNone() throws Exception {
    BlockDevice device = device();
    device.write(ByteBuffer.wrap(Bytes.filled(5001, 7)), 12_345);
    assertChanged(device, 12_345, 12_345 + 5001, 7);
    device.writeZeroes(12_345, 5001);
    assertChanged(device, 12_345, 12_345 + 5001, 0);
    device.discard(12_345, 5001);
    assertChanged(device, 12_345, 12_345 + 5001, 0);
  }

  @Test
  void nothingAskedForIsNothingDone() throws Exception {
    BlockDevice device = device();
    device.read(ByteBuffer.allocate(0), CAPACITY);
    device.write(ByteBuffer.allocate(0), CAPACITY, IoFlags.NONE);
    device.discard(0, 0, IoFlags.NONE);
    device.writeZeroes(CAPACITY, 0, IoFlags.NONE);
    device.transferTo(0, 0, new Bytes.Sink());
    device.prefetch(0, 0);
    assertChanged(device, 0, 0, 0);
  }

  @Test
  void zeroesTouchNoNeighbour() throws Exception {
    BlockDevice device = device();
    device.writeZeroes(1000, 5000, IoFlags.FUA);
    assertChanged(device, 1000, 6000, 0);
    device.writeZeroes(1000, 100_000, IoFlags.NO_HOLE);
    assertChanged(device, 1000, 101_000, 0);
  }

  @Test
  void fastZeroesAreZeroesOrEopnotsuppAndNothing() throws Exception {
    BlockDevice device = device();
    int zeroed = 0;
    try {
      device.writeZeroes(0, 65_536, IoFlags.FAST_ZERO);
      zeroed = 65_536;
    } catch (IOException refused) {
      assertEquals(Errno.EOPNOTSUPP, errno(() -> rethrow(refused)));
    }
    assertChanged(device, 0, zeroed, 0);
  }

  @Test
  void aRequestThatMustNotWaitIsDoneOrEagainAndNothing() throws Exception {
    BlockDevice device = device();
    int written = 0;
    try {
      device.write(ByteBuffer.allocate(4096), 0, IoFlags.NO_WAIT);
      written = 4096;
    } catch (IOException refused) {
      assertEquals(Errno.EAGAIN, errno(() -> rethrow(refused)));
    }
    assertChanged(device, 0, written, 0);
  }

  private static void rethrow(IOException refused) throws IOException {
    throw refused;
  }

  @Test
  void aDiscardTouchesNoNeighbour() throws Exception {
    BlockDevice device = device();
    device.discard(1000, 100_000, IoFlags.FUA);
    byte[] after = read(device, 0, CAPACITY);
    for (int i = 0; i < CAPACITY; i++) {
      boolean inside = i >= 1000 && i < 101_000;
      assertTrue(after[i] == FILL || (inside && after[i] == 0), "byte " + i);
    }
  }

  @Test
  void aTransferGivesEveryByteToASlowTaker() throws Exception {
    BlockDevice device = device();
    device.write(Bytes.pattern(CAPACITY / 4, 3), 777, IoFlags.NONE);
    device.prefetch(0, CAPACITY);
    Bytes.Sink sink = new Bytes.Sink();
    device.transferTo(777, CAPACITY / 4, sink);
    assertEquals(Bytes.pattern(CAPACITY / 4, 3), ByteBuffer.wrap(sink.taken()));
  }

  @Test
  void allocationCoversTheRangeInOrderAndZeroMeansZero() throws Exception {
    BlockDevice device = device();
    device.writeZeroes(1 << 20, 1 << 18, IoFlags.NONE);
    long at = 4096;
    for (AllocationExtent extent : device.allocation(4096, CAPACITY - 4096, 100)) {
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

  @Test
  void aReadOnlyOneIsErofsForEveryChange() throws Exception {
    BlockDevice device = readOnly();
    assumeTrue(device != null, "none of this kind is read-only");
    assertTrue(device.geometry().readOnly());
    byte before = read(device, 0, 1)[0];
    assertEquals(Errno.EROFS, errno(() -> device.write(ByteBuffer.allocate(512), 0, IoFlags.NONE)));
    assertEquals(Errno.EROFS, errno(() -> device.discard(0, 512, IoFlags.NONE)));
    assertEquals(Errno.EROFS, errno(() -> device.writeZeroes(0, 512, IoFlags.NONE)));
    device.flush();
    assertEquals(before, read(device, 0, 1)[0]);
  }

  @Test
  void threadsAtWorkAtOnceSeeEachItsOwn() throws Exception {
    BlockDevice device = device();
    int part = CAPACITY / 4;
    Threads.run(
        4,
        thread -> {
          for (int round = 0; round < 50; round++) {
            ByteBuffer src = Bytes.pattern(8192, thread * 100 + round);
            long offset = (long) thread * part + round * 8192L % (part - 8192);
            device.write(src, offset, IoFlags.NONE);
            ByteBuffer dst = ByteBuffer.allocateDirect(8192);
            device.read(dst, offset);
            assertEquals(src.flip(), dst.flip());
          }
        });
  }

  @Test
  void asAChannelItIsReadAndWrittenFromItsPositionOn() throws Exception {
    try (SeekableByteChannel channel = device().channel()) {
      assertEquals(CAPACITY, channel.size());
      channel.position(CAPACITY - 3);
      assertEquals(3, channel.write(ByteBuffer.wrap(new byte[] {1, 2, 3})));
      ByteBuffer read = ByteBuffer.allocate(10);
      assertEquals(3, channel.position(CAPACITY - 3).read(read));
      assertArrayEquals(new byte[] {1, 2, 3, 0, 0, 0, 0, 0, 0, 0}, read.array());
      assertEquals(10, read.limit());
      assertEquals(-1, channel.read(read));
      assertEquals(CAPACITY, channel.position());
      assertEquals(Errno.EOPNOTSUPP, errno(() -> channel.truncate(1)));
      channel.close();
      assertThrows(ClosedChannelException.class, channel::size);
    }
    assertEquals(CAPACITY, device().capacity());
  }

  @Test
  void aCopyIsExactAndLeavesTheRestOfItsTarget() throws Exception {
    BlockDevice device = device();
    device.write(ByteBuffer.wrap(Bytes.filled(70_000, 9)), 1 << 20, IoFlags.NONE);
    Path file = Files.createTempFile("blksnap-copy", "");
    try (FileChannel target =
        FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      List<Long> told = new ArrayList<>();
      long copied =
          device.copyTo(
              target,
              (offset, limit) ->
                  List.of(new ByteRange((1 << 20) - 512, 1024), new ByteRange((1 << 20) + 4096, 1))
                      .stream()
                      .filter(range -> range.offset() >= offset)
                      .toList(),
              (done, total) -> {
                assertEquals(1025, total);
                return told.add(done);
              });
      assertEquals(1025, copied);
      assertEquals(List.of(0L, 1024L, 1025L), told);
      byte[] expected = new byte[(1 << 20) + 4097];
      Arrays.fill(expected, (1 << 20) - 512, 1 << 20, FILL);
      Arrays.fill(expected, 1 << 20, (1 << 20) + 512, (byte) 9);
      expected[expected.length - 1] = 9;
      assertArrayEquals(expected, Files.readAllBytes(file));
      assertEquals(CAPACITY, device.copyTo(target, Extents.whole(CAPACITY), CopyProgress.NONE));
      assertArrayEquals(read(device, 0, CAPACITY), Files.readAllBytes(file));
    } finally {
      Files.delete(file);
    }
  }

  @Test
  void aCopyThatIsCancelledOrInterruptedSaysSo() throws Exception {
    BlockDevice device = device();
    try (SeekableByteChannel target = device.channel()) {
      assertEquals(
          Errno.ECANCELED,
          errno(
              () ->
                  device.copyTo(
                      target, Extents.whole(CAPACITY), (done, total) -> done < total / 2)));
      Thread.currentThread().interrupt();
      assertEquals(
          Errno.EINTR,
          errno(() -> device.copyTo(target, Extents.whole(CAPACITY), CopyProgress.NONE)));
      assertTrue(Thread.interrupted());
    }
  }
}

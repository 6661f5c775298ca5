// SPDX-License-Identifier: Apache-2.0
package org.blksnap.api.block;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.channels.SeekableByteChannel;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class BlockCopyTest {
  private static final int SIZE = 3 << 20;

  private final ArrayDevice source = new ArrayDevice(SIZE);
  private final ArrayDevice target = new ArrayDevice(SIZE);

  BlockCopyTest() {
    new Random(7).nextBytes(source.bytes);
  }

  /** A channel that takes so many bytes at a time. */
  private final class Sparing implements SeekableByteChannel {
    private final SeekableByteChannel all = target.channel();
    private final int most;

    Sparing(int most) {
      this.most = most;
    }

    @Override
    public int write(ByteBuffer src) throws java.io.IOException {
      if (most == 0) {
        return 0;
      }
      int limit = src.limit();
      src.limit(Math.min(limit, src.position() + most));
      try {
        return all.write(src);
      } finally {
        src.limit(limit);
      }
    }

    @Override
    public int read(ByteBuffer dst) {
      throw new UnsupportedOperationException();
    }

    @Override
    public long position() throws java.io.IOException {
      return all.position();
    }

    @Override
    public SeekableByteChannel position(long newPosition) throws java.io.IOException {
      all.position(newPosition);
      return this;
    }

    @Override
    public long size() throws java.io.IOException {
      return all.size();
    }

    @Override
    public SeekableByteChannel truncate(long size) {
      throw new UnsupportedOperationException();
    }

    @Override
    public boolean isOpen() {
      return true;
    }

    @Override
    public void close() {}
  }

  private long copy(SeekableByteChannel to, Extents what) throws Exception {
    return source.copyTo(to, what, CopyProgress.NONE);
  }

  @Test
  void allOfItIsCopiedWhateverTheTargetTakesAtATime() throws Exception {
    assertEquals(SIZE, copy(new Sparing(4093), Extents.whole(SIZE)));
    assertArrayEquals(source.bytes, target.bytes);
  }

  @Test
  void aTargetThatTakesNothingFailsTheCopy() {
    BlksnapException failure =
        assertThrows(BlksnapException.class, () -> copy(new Sparing(0), Extents.whole(SIZE)));
    assertEquals(Errno.EIO, failure.errno());
    assertTrue(failure.getMessage().contains("took none"), failure::toString);
  }

  @Test
  void rangesBehindTheEndAreRefused() {
    Extents behind = Extents.whole(SIZE + 1);
    assertEquals(
        Errno.EINVAL,
        assertThrows(BlksnapException.class, () -> copy(new Sparing(1 << 20), behind)).errno());
  }

  @Test
  void aDeviceCopiedToItselfStaysAsItIs() throws Exception {
    byte[] before = source.bytes.clone();
    assertEquals(SIZE, copy(source.channel(), Extents.whole(SIZE)));
    assertArrayEquals(before, source.bytes);
  }

  @Test
  void progressIsToldAndCancels() {
    BlksnapException failure =
        assertThrows(
            BlksnapException.class,
            () ->
                source.copyTo(
                    target.channel(),
                    (offset, limit) ->
                        offset < SIZE ? List.of(new ByteRange(offset, SIZE - offset)) : List.of(),
                    (copied, total) -> {
                      assertEquals(SIZE, total);
                      return copied < 1 << 20;
                    }));
    assertEquals(Errno.ECANCELED, failure.errno());
    assertEquals(0, target.bytes[SIZE - 1]);
  }

  @Test
  void anInterruptedThreadEndsItAndStaysInterrupted() {
    Thread.currentThread().interrupt();
    BlksnapException failure =
        assertThrows(BlksnapException.class, () -> copy(target.channel(), Extents.whole(SIZE)));
    assertEquals(Errno.EINTR, failure.errno());
    assertTrue(Thread.interrupted());
  }
}

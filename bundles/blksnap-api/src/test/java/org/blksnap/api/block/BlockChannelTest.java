// SPDX-License-Identifier: Apache-2.0
package org.blksnap.api.block;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.SeekableByteChannel;
import org.junit.jupiter.api.Test;

class BlockChannelTest {
  private static final int SIZE = 4096;

  private final ArrayDevice device = new ArrayDevice(SIZE);
  private final SeekableByteChannel channel = device.channel();

  @Test
  void readingEndsAtTheEnd() throws Exception {
    device.bytes[SIZE - 1] = 9;
    ByteBuffer more = ByteBuffer.allocate(100);
    assertEquals(10, channel.position(SIZE - 10).read(more));
    assertEquals(9, more.get(9));
    assertEquals(100, more.limit());
    assertEquals(-1, channel.read(more));
    assertEquals(-1, channel.position(SIZE + 10L).read(more));
  }

  @Test
  void writingBehindTheEndIsRefusedAndMovesNothing() throws Exception {
    channel.position(SIZE - 10);
    assertEquals(
        Errno.ENOSPC,
        assertThrows(BlksnapException.class, () -> channel.write(ByteBuffer.allocate(11))).errno());
    assertEquals(SIZE - 10, channel.position());
    assertEquals(10, channel.write(ByteBuffer.allocate(10)));
    assertEquals(SIZE, channel.position());
  }

  @Test
  void itIsNotCut() throws Exception {
    assertEquals(
        Errno.EOPNOTSUPP,
        assertThrows(BlksnapException.class, () -> channel.truncate(SIZE - 1)).errno());
    assertThrows(IllegalArgumentException.class, () -> channel.truncate(-1));
    assertEquals(SIZE, channel.position(SIZE + 100L).truncate(SIZE).position());
    assertEquals(SIZE, channel.size());
  }

  @Test
  void onceClosedItAnswersNothing() throws Exception {
    channel.close();
    assertThrows(ClosedChannelException.class, channel::position);
    assertThrows(ClosedChannelException.class, () -> channel.read(ByteBuffer.allocate(1)));
  }
}

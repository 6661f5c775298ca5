// SPDX-License-Identifier: Apache-2.0
package org.blksnap.enginebase.change;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.List;
import java.util.UUID;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.ByteRange;
import org.blksnap.api.block.Errno;
import org.blksnap.api.change.CbtInfo;
import org.blksnap.api.change.ChangeMap;
import org.blksnap.api.change.ChangePoint;
import org.blksnap.api.change.ChangeSet;
import org.blksnap.api.change.GenerationReason;
import org.junit.jupiter.api.Test;

class ImageChangesTest {
  private static final int BLOCK = 65536;
  private static final int BLOCKS = 200_000;
  private static final long CAPACITY = (long) BLOCK * BLOCKS;

  /** A device's map in an array. */
  private static final class Device implements ChangeMap {
    byte[] bytes = new byte[BLOCKS];
    UUID generation = new UUID(1, 1);
    int number = 3;

    /** After each piece that is read. */
    Runnable afterRead = () -> {};

    @Override
    public CbtInfo info() {
      return new CbtInfo(
          CAPACITY,
          BLOCK,
          BLOCKS,
          generation,
          number,
          GenerationReason.FIRST_ATTACH,
          "",
          Instant.EPOCH);
    }

    @Override
    public int read(long index, ByteBuffer dst) {
      int length = (int) Math.min(dst.remaining(), bytes.length - index);
      dst.put(bytes, (int) index, length);
      afterRead.run();
      return length;
    }

    @Override
    public void markDirty(List<ByteRange> ranges) {}

    @Override
    public ChangeSet changedSince(ChangePoint since) {
      return ChangeSet.of(this, info(), since);
    }

    void beginAnew() {
      bytes = new byte[BLOCKS];
      generation = new UUID(2, 2);
      number = 0;
    }
  }

  private final Device device = new Device();

  private ImageChanges image(CbtInfo taken) {
    return new ImageChanges("image", CAPACITY, device, taken);
  }

  @Test
  void aSetMadeBeforeTheMapBeganAnewNamesNoLessAfter() throws Exception {
    device.bytes[BLOCKS - 1] = 3;
    device.bytes[7] = 3;
    ChangeSet set = image(device.info()).changedSince(new ChangePoint(device.generation, 2));
    device.beginAnew();
    assertEquals(CAPACITY, set.bytes());
    assertEquals(new ChangePoint(new UUID(1, 1), 3), set.point());
  }

  @Test
  void aMapThatBeginsAnewBetweenTwoPiecesHidesNothing() throws Exception {
    device.bytes[BLOCKS - 1] = 3;
    ChangeSet set = image(device.info()).changedSince(new ChangePoint(device.generation, 2));
    device.afterRead = device::beginAnew;
    assertEquals(
        CAPACITY, set.extents(0, Integer.MAX_VALUE).stream().mapToLong(ByteRange::length).sum());
  }

  /** Its point would be that of a map which knows nothing of what came right after the take. */
  @Test
  void anImageWhoseMapWasNotReadAtTheTakeNamesNoPoint() {
    ImageChanges changes = image(null);
    for (int round = 0; round < 2; round++) {
      BlksnapException failure = assertThrows(BlksnapException.class, changes::info);
      assertEquals(Errno.EFAULT, failure.errno());
      assertTrue(failure.getMessage().contains("read all"), failure::toString);
      assertEquals(
          Errno.EFAULT,
          assertThrows(BlksnapException.class, () -> changes.changedSince(ChangePoint.BEGINNING))
              .errno());
      device.beginAnew();
    }
  }
}

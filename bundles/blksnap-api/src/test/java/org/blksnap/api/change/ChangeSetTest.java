// SPDX-License-Identifier: Apache-2.0
package org.blksnap.api.change;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.UUID;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.ByteRange;
import org.blksnap.api.block.Errno;
import org.junit.jupiter.api.Test;

class ChangeSetTest {
  private static final int BLOCK = 4096;

  /** A map in an array, its last block half a one. */
  private static final class Plain implements ChangeMap {
    final byte[] bytes;
    final UUID generation = UUID.randomUUID();
    int number = 9;

    /** Called before each piece is read. */
    Runnable meanwhile = () -> {};

    Plain(int blocks) {
      bytes = new byte[blocks];
    }

    @Override
    public CbtInfo info() {
      return new CbtInfo(
          Math.max(0, (long) bytes.length * BLOCK - BLOCK / 2),
          BLOCK,
          bytes.length,
          generation,
          number,
          GenerationReason.FIRST_ATTACH,
          "",
          Instant.EPOCH);
    }

    @Override
    public int read(long index, ByteBuffer dst) {
      meanwhile.run();
      int length = (int) Math.min(dst.remaining(), bytes.length - index);
      dst.put(bytes, (int) index, length);
      return length;
    }

    @Override
    public void markDirty(List<ByteRange> ranges) {
      throw new UnsupportedOperationException();
    }

    @Override
    public ChangeSet changedSince(ChangePoint since) {
      return ChangeSet.of(this, info(), since);
    }

    ChangeSet since(int since) {
      return changedSince(new ChangePoint(generation, since));
    }
  }

  @Test
  void portionsOfAnySizeAreTheWholeInOrder() throws Exception {
    long seed = Long.getLong("seed", System.nanoTime());
    Random random = new Random(seed);
    for (int round = 0; round < 200; round++) {
      Plain map = new Plain(1 + random.nextInt(round % 10 == 0 ? 200_000 : 300));
      for (int i = 0; i < map.bytes.length; i++) {
        map.bytes[i] =
            (byte) (i > 0 && random.nextInt(3) > 0 ? map.bytes[i - 1] : random.nextInt(10));
      }
      int number = random.nextInt(10);
      int limit = 1 + random.nextInt(50);
      boolean[] named = new boolean[map.bytes.length];
      long offset = 0;
      long end = -1;
      ChangeSet set = map.since(number);
      for (List<ByteRange> portion; !(portion = set.extents(offset, limit)).isEmpty(); ) {
        assertTrue(portion.size() <= limit);
        for (ByteRange range : portion) {
          assertTrue(range.length() > 0 && range.offset() > end, "seed " + seed);
          end = range.end();
          for (long at = range.offset(); at < range.end(); at += BLOCK) {
            named[(int) (at / BLOCK)] = true;
          }
        }
        offset = end;
      }
      for (int i = 0; i < named.length; i++) {
        assertEquals(map.bytes[i] > number, named[i], "block " + i + ", seed " + seed);
      }
    }
  }

  @Test
  void anOffsetInsideAnExtentCutsItAndTheCapacityTheLast() throws Exception {
    Plain map = new Plain(4);
    java.util.Arrays.fill(map.bytes, (byte) 5);
    assertEquals(
        List.of(new ByteRange(100, 3 * BLOCK + BLOCK / 2 - 100)), map.since(4).extents(100, 7));
    assertEquals(List.of(), map.since(4).extents(map.info().deviceCapacity(), 7));
    assertEquals(List.of(), map.since(4).extents(Long.MAX_VALUE, 7));
    assertEquals(map.info().deviceCapacity(), map.since(4).bytes());
    assertEquals(0, map.since(5).bytes());
  }

  @Test
  void whatIsNotOfThisGenerationIsEverythingWithAReason() throws Exception {
    Plain map = new Plain(4);
    ByteRange all = new ByteRange(0, map.info().deviceCapacity());
    for (ChangeSet set :
        List.of(
            map.changedSince(ChangePoint.BEGINNING),
            map.changedSince(new ChangePoint(UUID.randomUUID(), 3)),
            map.since(10))) {
      assertTrue(set.full());
      assertFalse(set.fullReason().isEmpty());
      assertEquals(List.of(all), set.extents(0, 10));
      assertEquals(all.length(), set.bytes());
      assertEquals(map.info().point(), set.point());
    }
    assertFalse(map.since(9).full());
  }

  @Test
  void aTakeInTheMidstOfReadingIsEstale() {
    Plain map = new Plain(200_000);
    ChangeSet set = map.since(0);
    map.meanwhile = () -> map.number++;
    BlksnapException e = assertThrows(BlksnapException.class, () -> set.extents(0, 10));
    assertEquals(Errno.ESTALE, e.errno());
  }

  @Test
  void anEmptyDeviceHasNoExtents() throws Exception {
    Plain map = new Plain(0);
    List<ByteRange> found = new ArrayList<>();
    map.since(0).forEach(found::add);
    map.changedSince(ChangePoint.BEGINNING).forEach(found::add);
    assertEquals(List.of(), found);
  }

  @Test
  void noOffsetBelowZeroAndNoLimitBelowOne() {
    ChangeSet set = new Plain(4).since(0);
    assertEquals(
        Errno.EINVAL, assertThrows(BlksnapException.class, () -> set.extents(-1, 1)).errno());
    assertEquals(
        Errno.EINVAL, assertThrows(BlksnapException.class, () -> set.extents(0, 0)).errno());
  }
}

// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.module;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.util.UUID;
import org.blksnap.api.block.Errno;
import org.blksnap.ioctl.internal.layout.Seed;
import org.blksnap.spi.module.TrackerState;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Trackers and their maps. */
class MapReadingTest extends ModuleFixture {
  @BeforeEach
  void loadIt() throws Exception {
    loadSeed();
  }

  private void tells(int blocks, UUID generation) {
    kernel.on(
        Seed.CTL_CALL,
        argument -> {
          assertEquals(Seed.CTL_CBTINFO, Seed.CTL_CMD.get(argument));
          assertEquals(40, Seed.CTL_OPTLEN.get(argument));
          ByteBuffer info = kernel.at(Seed.CTL_OPT.get(argument));
          Seed.CBTINFO_CAPACITY.put(info, blocks * 65_536L);
          Seed.CBTINFO_BLOCK_SIZE.put(info, 65_536);
          Seed.CBTINFO_BLOCK_COUNT.put(info, blocks);
          Seed.CBTINFO_GENERATION.put(info, generation);
          Seed.CBTINFO_NUMBER.put(info, 200);
          return 0;
        });
  }

  @Test
  void trackerTellsWhatTheModuleTells() throws Exception {
    tells(100, ID);
    assertEquals(new TrackerState(6_553_600, 65_536, 100, ID, 200), module.tracker(disk));
  }

  @Test
  void aTrackerThatCoversNoSuchDeviceIsNotBelieved() {
    long[][] lies = {{1 << 20, 65_536, 15}, {1 << 20, 0, 16}, {-1, 65_536, 16}, {10, 3, 16}};
    for (long[] lie : lies) {
      kernel.on(
          Seed.CTL_CALL,
          argument -> {
            ByteBuffer info = kernel.at(Seed.CTL_OPT.get(argument));
            Seed.CBTINFO_CAPACITY.put(info, lie[0]);
            Seed.CBTINFO_BLOCK_SIZE.put(info, lie[1]);
            Seed.CBTINFO_BLOCK_COUNT.put(info, lie[2]);
            return 0;
          });
      refused(Errno.EFAULT, () -> module.tracker(disk));
    }
    kernel.on(
        Seed.CTL_CALL,
        argument -> {
          ByteBuffer info = kernel.at(Seed.CTL_OPT.get(argument));
          Seed.CBTINFO_BLOCK_SIZE.put(info, 512);
          Seed.CBTINFO_BLOCK_COUNT.put(info, 1L << 31);
          return 0;
        });
    refused(Errno.EOVERFLOW, () -> module.tracker(disk));
  }

  private void fills(long offset, int length, byte value) {
    kernel.on(
        Seed.CTL_CALL,
        argument -> {
          assertEquals(Seed.CTL_CBTMAP, Seed.CTL_CMD.get(argument));
          ByteBuffer option = kernel.at(Seed.CTL_OPT.get(argument));
          assertEquals(offset, Seed.CBTMAP_OFFSET.get(option));
          assertEquals(length, Seed.CBTMAP_LENGTH.get(option));
          ByteBuffer map = kernel.at(Seed.CBTMAP_BUFFER.get(option));
          for (int i = 0; i < length; i++) {
            map.put(i, value);
          }
          return 0;
        });
  }

  @Test
  void theMapIsReadIntoTheCallersOwnMemory() throws Exception {
    tells(100, ID);
    fills(90, 10, (byte) 7);
    tells(100, ID);
    ByteBuffer dst = ByteBuffer.allocateDirect(64).position(5);
    assertEquals(10, module.readMap(disk, 90, dst));
    assertEquals(15, dst.position());
    assertEquals(0, dst.get(4));
    assertEquals(7, dst.get(5));
    assertEquals(7, dst.get(14));
    assertEquals(0, dst.get(15));
  }

  @Test
  void aHeapBufferIsFilledInPieces() throws Exception {
    int blocks = MapReading.COPY_PIECE + 100;
    tells(blocks, ID);
    fills(0, MapReading.COPY_PIECE, (byte) 1);
    fills(MapReading.COPY_PIECE, 100, (byte) 2);
    tells(blocks, ID);
    ByteBuffer dst = ByteBuffer.allocate(blocks + 3);
    assertEquals(blocks, module.readMap(disk, 0, dst));
    assertEquals(blocks, dst.position());
    assertEquals(1, dst.get(MapReading.COPY_PIECE - 1));
    assertEquals(2, dst.get(MapReading.COPY_PIECE));
  }

  @Test
  void aMapThatBeginsAnewWhileItIsReadIsReadAgain() throws Exception {
    tells(100, ID);
    fills(0, 100, (byte) 9);
    tells(50, OTHER);
    tells(50, OTHER);
    fills(0, 50, (byte) 1);
    tells(50, OTHER);
    ByteBuffer dst = ByteBuffer.allocateDirect(100);
    assertEquals(50, module.readMap(disk, 0, dst));
    assertEquals(50, dst.position());
    assertEquals(1, dst.get(0));
  }

  @Test
  void aMapThatNeverRestsIsToBeTriedAgain() {
    for (int i = 0; i < MapReading.ROUNDS; i++) {
      tells(10, ID);
      fills(0, 10, (byte) 0);
      tells(10, OTHER);
    }
    ByteBuffer dst = ByteBuffer.allocateDirect(10);
    refused(Errno.EAGAIN, () -> module.readMap(disk, 0, dst));
    assertEquals(0, dst.position());
  }

  @Test
  void placesPastTheMapAreRefusedAndItsEndIsEmpty() throws Exception {
    for (long index : new long[] {-1, 101, 1L << 32, Long.MAX_VALUE}) {
      tells(100, ID);
      String said =
          refused(Errno.EINVAL, () -> module.readMap(disk, index, ByteBuffer.allocateDirect(1)));
      assertTrue(said.contains("the map has 100 bytes"), said);
    }
    tells(100, ID);
    assertEquals(0, module.readMap(disk, 100, ByteBuffer.allocateDirect(1)));
    refused(
        Errno.EINVAL,
        () -> module.readMap(disk, 0, ByteBuffer.allocateDirect(1).asReadOnlyBuffer()));
  }
}

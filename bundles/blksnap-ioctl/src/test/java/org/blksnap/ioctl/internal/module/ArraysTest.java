// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.module;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.UUID;
import org.blksnap.api.block.ByteRange;
import org.blksnap.api.block.Errno;
import org.blksnap.ioctl.internal.layout.Seed;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Arrays that go over to the module, and lists that come back. */
class ArraysTest extends ModuleFixture {
  @BeforeEach
  void loadIt() throws Exception {
    loadSeed();
  }

  private List<Long> sectors(long address, long count) {
    List<Long> sectors = new ArrayList<>();
    ByteBuffer array = kernel.at(address);
    for (int i = 0; i < count * 2; i++) {
      sectors.add(array.getLong(i * 8));
    }
    return sectors;
  }

  @Test
  void dirtyRangesGoOverAsSectors() throws Exception {
    List<Long> got = new ArrayList<>();
    kernel.on(
        Seed.CTL_CALL,
        argument -> {
          ByteBuffer option = kernel.at(Seed.CTL_OPT.get(argument));
          got.addAll(sectors(Seed.CBTDIRTY_SECTORS.get(option), Seed.CBTDIRTY_COUNT.get(option)));
          return 0;
        });
    module.markDirty(disk, List.of(new ByteRange(512, 1024), new ByteRange(1L << 50, 512)));
    assertEquals(List.of(1L, 2L, 1L << 41, 1L), got);
    module.markDirty(disk, List.of());
  }

  @Test
  void crookedRangesAreRefusedBeforeAnyCall() {
    List<ByteRange> crooked =
        List.of(new ByteRange(1, 512), new ByteRange(0, 100), new ByteRange(512, 0));
    for (ByteRange range : crooked) {
      List<ByteRange> ranges = List.of(new ByteRange(0, 512), range);
      String said = refused(Errno.EINVAL, () -> module.markDirty(disk, ranges));
      assertTrue(said.contains("multiples of 512"), said);
      refused(Errno.EINVAL, () -> module.appendStorage(ID, disk, ranges));
    }
    assertEquals(List.of(), kernel.asked);
  }

  @Test
  void manyRangesGoInSlicesAndAFailureTellsWhatStays() throws Exception {
    int many = SectorRanges.SLICE * 2 + 1;
    List<ByteRange> ranges = Collections.nCopies(many, new ByteRange(4096, 4096));
    List<Long> counts = new ArrayList<>();
    FakeKernel.Answer takes =
        argument -> {
          counts.add(Seed.APPEND_COUNT.get(argument));
          assertEquals(disk.toString(), kernel.text(Seed.APPEND_PATH.get(argument)));
          assertEquals(disk.toString().length() + 1, Seed.APPEND_PATH_SIZE.get(argument));
          assertEquals(ID, Seed.APPEND_ID.uuid(argument));
          return 0;
        };
    kernel.on(Seed.APPEND_STORAGE_CALL, 3, takes);
    module.appendStorage(ID, disk, ranges);
    assertEquals(List.of(65_536L, 65_536L, 1L), counts);
    kernel.on(Seed.APPEND_STORAGE_CALL, takes);
    answers(Seed.APPEND_STORAGE_CALL, Errno.ENOMEM);
    String said = refused(Errno.ENOMEM, () -> module.appendStorage(ID, disk, ranges));
    assertTrue(said.contains("first 65536 of 131073 ranges were taken"), said);
  }

  @Test
  void aCloseAmidTheSlicesWaitsForTheLastOfThem() throws Exception {
    List<ByteRange> ranges = Collections.nCopies(SectorRanges.SLICE + 1, new ByteRange(4096, 4096));
    kernel.on(
        Seed.APPEND_STORAGE_CALL,
        argument -> {
          module.close();
          assertEquals(1, kernel.open.size(), "closed under a call");
          return 0;
        });
    module.appendStorage(ID, disk, ranges);
    assertEquals(2, words().size(), "half of the ranges is no storage that anybody asked for");
    assertEquals(0, kernel.open.size());
    refused(Errno.EBADF, () -> module.appendStorage(ID, disk, ranges));
    assertEquals(2, words().size());
  }

  private void tellsIds(int asked, UUID... ids) {
    kernel.on(
        Seed.COLLECT_CALL,
        argument -> {
          long room = Seed.COLLECT_COUNT.get(argument);
          long address = Seed.COLLECT_IDS.get(argument);
          Seed.COLLECT_COUNT.put(argument, ids.length);
          assertEquals(asked == 0, address == 0);
          if (asked == 0) {
            return 0;
          }
          if (room < ids.length) {
            return -Errno.ENODATA.code();
          }
          for (int i = 0; i < ids.length; i++) {
            Seed.UUID_B.put(
                org.blksnap.ioctl.internal.layout.Layout.buffer(
                    kernel.at(address).position(i * 16).slice()),
                ids[i]);
          }
          return 0;
        });
  }

  @Test
  void allIdsAreCollected() throws Exception {
    tellsIds(0);
    assertEquals(List.of(), module.collect());
    tellsIds(0, ID, OTHER);
    tellsIds(1, ID, OTHER);
    assertEquals(List.of(ID, OTHER), module.collect());
  }

  @Test
  void aListThatGrowsMeanwhileIsAskedForAgain() throws Exception {
    UUID[] grown = Collections.nCopies(2 + LoadedModule.LIST_SLACK, OTHER).toArray(UUID[]::new);
    tellsIds(0, ID);
    tellsIds(1, grown);
    tellsIds(1, grown);
    assertArrayEquals(grown, module.collect().toArray());
    tellsIds(0, ID, OTHER);
    tellsIds(1);
    assertEquals(List.of(), module.collect(), "all went meanwhile");
  }

  @Test
  void aListThatGrowsForEverOrIsTooLongEnds() {
    kernel.on(
        Seed.COLLECT_CALL,
        LoadedModule.LIST_ROUNDS + 1,
        argument -> {
          long room = Seed.COLLECT_COUNT.get(argument);
          Seed.COLLECT_COUNT.put(argument, room + 1);
          return Seed.COLLECT_IDS.get(argument) == 0 ? 0 : -Errno.ENODATA.code();
        });
    refused(Errno.EAGAIN, () -> module.collect());
    kernel.on(
        Seed.COLLECT_CALL,
        argument -> {
          Seed.COLLECT_COUNT.put(argument, 0xffff_ffffL);
          return 0;
        });
    refused(Errno.EOVERFLOW, () -> module.collect());
    answers(Seed.COLLECT_CALL, Errno.ENOMEM);
    refused(Errno.ENOMEM, () -> module.collect());
  }
}

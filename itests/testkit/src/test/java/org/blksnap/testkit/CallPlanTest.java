// SPDX-License-Identifier: Apache-2.0
package org.blksnap.testkit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.spi.chunk.ChunkEngine;
import org.blksnap.spi.chunk.DiffArea;
import org.blksnap.spi.chunk.LiveReader;
import org.junit.jupiter.api.Test;

/** Faults come where they are ordered, and nowhere else. */
class CallPlanTest {
  private final CallPlan plan = new CallPlan();
  private final List<Long> reads = new ArrayList<>();
  private final LiveReader reader =
      Intercept.wrap(LiveReader.class, (LiveReader) (dst, offset) -> reads.add(offset), plan);

  @Test
  void callsAreCountedByName() throws Exception {
    reader.read(null, 1);
    reader.read(null, 2);
    assertEquals(2, plan.counts().get("LiveReader.read"));
    assertEquals(List.of(1L, 2L), reads);
  }

  @Test
  void theOrderedCallFailsOnce() throws Exception {
    plan.fail("LiveReader.read", 1, Errno.EIO);
    reader.read(null, 1);
    assertFalse(plan.fired());
    BlksnapException e = assertThrows(BlksnapException.class, () -> reader.read(null, 2));
    assertEquals(Errno.EIO, e.errno());
    assertTrue(plan.fired());
    reader.read(null, 3);
    assertEquals(List.of(1L, 3L), reads);
  }

  @Test
  void everyNthCallIsForgotten() throws Exception {
    plan.forget("LiveReader.read", 2);
    for (int i = 0; i < 4; i++) {
      reader.read(null, i);
    }
    assertEquals(List.of(0L, 2L), reads);
  }

  @Test
  void whatAProviderMakesIsWrappedToo() throws Exception {
    DiffArea area = Intercept.wrap(DiffArea.class, new Object(), new CallPlan());
    ChunkEngine engine =
        Intercept.chunk(
            new ChunkEngine() {
              @Override
              public DiffArea create(org.blksnap.spi.chunk.DiffAreaRequest request) {
                return area;
              }

              @Override
              public DiffArea adopt(org.blksnap.spi.chunk.DiffAreaRequest request) {
                return null;
              }
            },
            plan);
    assertTrue(engine.create(null) != area);
    assertSame(null, engine.adopt(null));
  }

  @Test
  void frozenCallsStandStillUntilTheyAreThawed() throws Exception {
    plan.freeze("LiveReader.");
    List<Throwable> ended = new ArrayList<>();
    Thread thread =
        new Thread(
            () -> {
              try {
                reader.read(null, 1);
              } catch (Throwable e) {
                ended.add(e);
              }
            });
    thread.start();
    while (plan.standing() == 0) {
      Thread.sleep(1);
    }
    plan.thaw();
    thread.join();
    assertEquals(IllegalStateException.class, ended.get(0).getClass());
    assertEquals(List.of(), reads);
  }
}

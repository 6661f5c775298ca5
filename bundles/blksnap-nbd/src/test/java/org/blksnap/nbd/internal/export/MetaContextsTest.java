// SPDX-License-Identifier: Apache-2.0
package org.blksnap.nbd.internal.export;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.List;
import java.util.Random;
import java.util.UUID;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.ByteRange;
import org.blksnap.api.block.Errno;
import org.blksnap.api.change.CbtInfo;
import org.blksnap.api.change.ChangePoint;
import org.blksnap.nbd.internal.protocol.ContextQuery;
import org.blksnap.nbd.internal.protocol.Mode;
import org.blksnap.nbd.internal.protocol.RawClient;
import org.blksnap.nbd.internal.protocol.Wire;
import org.blksnap.nbd.internal.server.ListenAddress;
import org.blksnap.nbd.internal.server.NbdServer;
import org.blksnap.nbd.internal.server.ServerFixture;
import org.blksnap.nbd.internal.session.BufferPool;
import org.blksnap.nbd.internal.session.Limits;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(30)
class MetaContextsTest {
  private static final int MOST_BLOCKS = 2_097_152;
  private static final String SINCE = "qemu:dirty-bitmap:since-1";

  private final ContextBudget budget = new ContextBudget(768 << 10);
  private ServerFixture fixture;

  @BeforeEach
  void open() throws IOException {
    fixture = new ServerFixture();
    fixture.device.changes.number = 2;
  }

  @AfterEach
  void close() throws IOException {
    fixture.close();
  }

  private List<MetaContext> select(ContextBudget.Share share, String... names) throws IOException {
    Target target = fixture.exports.find("disk").orElseThrow();
    return MetaContexts.of(target).select(new ContextQuery("disk", List.of(names)), share);
  }

  private static byte[] alternating() {
    byte[] map = new byte[MOST_BLOCKS];
    for (int i = 0; i < map.length; i += 2) {
      map[i] = 2;
    }
    return map;
  }

  @Test
  void alternatingBlocksOfTheLargestMapTakeABitEach() throws IOException {
    fixture.device.changes.map = alternating();
    try (ContextBudget.Share share = budget.share()) {
      MetaContext context = select(share, SINCE).get(0);
      assertEquals(256 << 10, context.bytes());
      assertEquals(256 << 10, budget.held());
      assertEquals(4096, context.runEnd(0));
      assertEquals(8192, context.runEnd(4096));
    }
    assertEquals(0, budget.held());
  }

  /** The map says nothing changed, but only its generation's own time is in it. */
  @ParameterizedTest
  @ValueSource(strings = {"qemu:dirty-bitmap:blksnap", "qemu:dirty-bitmap:since-0"})
  void bitmapAtTheFirstTakeOfAGenerationHasEverything(String name) throws IOException {
    fixture.device.changes.number = 1;
    fixture.device.changes.map = new byte[9];
    try (ContextBudget.Share share = budget.share()) {
      MetaContext context = select(share, name).get(0);
      assertTrue(context.dirty(0));
      assertTrue(context.runEnd(0) >= 9L * FakeChangeMap.BLOCK);
    }
  }

  @Test
  void pointOfTheGenerationsBeginningIsExact() throws IOException {
    fixture.device.changes.number = 1;
    fixture.device.changes.map = new byte[] {0, 1, 0};
    String point = "blksnap:changed:" + fixture.device.changes.generation + ":0";
    try (ContextBudget.Share share = budget.share()) {
      MetaContext context = select(share, point).get(0);
      assertFalse(context.dirty(0));
      assertTrue(context.dirty(FakeChangeMap.BLOCK));
    }
  }

  @Test
  void runsAreThoseOfTheChangeMap() throws IOException {
    long seed = Long.getLong("seed", System.nanoTime());
    System.out.println("-Dseed=" + seed);
    Random random = new Random(seed);
    byte[] map = new byte[200_003];
    for (int i = 0; i < map.length; i++) {
      map[i] = (byte) (random.nextInt(50) == 0 || i == 0 ? random.nextInt(3) : map[i - 1]);
    }
    fixture.device.changes.map = map;
    for (int number = 0; number <= 2; number++) {
      String name = "blksnap:changed:" + fixture.device.changes.generation + ":" + number;
      try (ContextBudget.Share share = budget.share()) {
        MetaContext context = select(share, name).get(0);
        List<ByteRange> expected =
            fixture
                .device
                .changes
                .changedSince(new ChangePoint(fixture.device.changes.generation, number))
                .extents(0, Integer.MAX_VALUE);
        long changed = 0;
        for (ByteRange range : expected) {
          assertTrue(context.dirty(range.offset()) && context.dirty(range.end() - 1));
          changed += range.length();
        }
        long size = (long) map.length * FakeChangeMap.BLOCK;
        for (long at = 0; at < size; at = Math.min(context.runEnd(at), size)) {
          changed -= context.dirty(at) ? Math.min(context.runEnd(at), size) - at : 0;
        }
        assertEquals(0, changed);
      }
    }
  }

  @Test
  void clientHoldsNoMoreContextsThanAreFreeSoTheNextOneFindsRoom() throws IOException {
    fixture.device.changes.map = alternating();
    try (ContextBudget.Share one = budget.share();
        ContextBudget.Share other = budget.share()) {
      select(one, SINCE, "qemu:dirty-bitmap:since-0");
      BlksnapException refused = assertThrows(BlksnapException.class, () -> select(one, SINCE));
      assertEquals(Errno.ENOMEM, refused.errno());
      select(other, SINCE);
      assertThrows(BlksnapException.class, () -> select(other, SINCE));
      one.close();
      select(other, SINCE);
    }
  }

  @Test
  void clientBeyondTheBudgetIsToldTooBigAndServedOnceThereIsRoom() throws IOException {
    fixture.server.close();
    fixture.server =
        new NbdServer(fixture.exports, Limits.DEFAULTS, budget, new BufferPool(64 << 20));
    fixture.server.listen(ListenAddress.unix(fixture.socket), null);
    fixture.device.changes.map = alternating();
    byte[] both = RawClient.contexts("disk", SINCE, "qemu:dirty-bitmap:since-0");
    try (RawClient waiting = fixture.connect()) {
      waiting.hello().ask(Wire.OPT_STRUCTURED_REPLY);
      try (RawClient first = fixture.connect()) {
        first.enter("disk", Mode.STRUCTURED, SINCE);
        assertEquals(Wire.REP_ERR_TOO_BIG, waiting.ask(Wire.OPT_SET_META_CONTEXT, both));
        assertEquals(256 << 10, budget.held());
      }
      ServerFixture.await("room", () -> budget.held() == 0);
      assertEquals(Wire.REP_ACK, waiting.ask(Wire.OPT_SET_META_CONTEXT, both));
      assertEquals(Wire.REP_ACK, waiting.ask(Wire.OPT_SET_META_CONTEXT, both));
      assertEquals(512 << 10, budget.held());
    }
  }

  @Test
  void generationThatBeginsMeanwhileIsEagain() throws IOException {
    FakeChangeMap restless =
        new FakeChangeMap() {
          @Override
          public CbtInfo info() {
            CbtInfo now = super.info();
            generation = new UUID(1, generation.getLeastSignificantBits() + 1);
            return now;
          }
        };
    restless.number = 2;
    restless.map = new byte[8];
    Target target = fixture.exports.find("disk").orElseThrow();
    Target changing =
        new Target(target.kind(), "disk", target.identity(), "", target.device(), restless, null);
    try (ContextBudget.Share share = budget.share()) {
      MetaContexts offered = MetaContexts.of(changing);
      ContextQuery query = new ContextQuery("disk", List.of(SINCE));
      BlksnapException refused =
          assertThrows(BlksnapException.class, () -> offered.select(query, share));
      assertEquals(Errno.EAGAIN, refused.errno());
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
package org.blksnap.nbd.internal.server;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.Arrays;
import java.util.concurrent.CountDownLatch;
import org.blksnap.nbd.internal.export.FakeDevice;
import org.blksnap.nbd.internal.export.FakeSource;
import org.blksnap.nbd.internal.protocol.Mode;
import org.blksnap.nbd.internal.protocol.RawClient;
import org.blksnap.nbd.internal.protocol.Wire;
import org.blksnap.nbd.internal.protocol.WireError;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * However a connection or a source ends, a device comes back once, and what was written is kept.
 */
@Timeout(60)
class SourceEndsTest {
  private static final String NAME = SourceFixture.NAME;

  private SourceFixture world;
  private FakeDevice device;
  private FakeSource source;

  @BeforeEach
  void open() throws IOException {
    world = new SourceFixture();
    device = world.device;
    source = world.source;
  }

  @AfterEach
  void close() throws IOException {
    world.close();
    ServerFixture.await("everything comes back", source::settled);
    ServerFixture.await("nothing open", () -> world.fixture.exports.sources().open() == 0);
  }

  private void assertBack(int times) {
    ServerFixture.await("it comes back", () -> source.released.get() == times);
    assertEquals(times, source.opened.get());
  }

  @Test
  void theClientLeaves() throws IOException {
    try (RawClient client = world.enter()) {
      client.request(Mode.SIMPLE, 0, Wire.CMD_DISC, 1, 0, 0);
      assertTrue(client.atEnd());
    }
    assertBack(1);
  }

  @Test
  void theClientHangsUp() throws IOException {
    world.enter().close();
    assertBack(1);
  }

  @Test
  void theClientBreaksTheProtocol() throws IOException {
    try (RawClient client = world.enter()) {
      client.out.write(new byte[64]);
      assertTrue(client.atEnd());
    }
    assertBack(1);
  }

  @Test
  void theNegotiationGoesNoFurther() throws IOException {
    try (RawClient client = world.fixture.connect().hello()) {
      assertEquals(Wire.REP_ACK, client.ask(Wire.OPT_INFO, RawClient.go(NAME)));
      assertEquals(Wire.REP_ACK, client.ask(Wire.OPT_INFO, RawClient.go(NAME)));
      assertEquals(1, source.opened.get());
      client.ask(Wire.OPT_ABORT);
    }
    assertBack(1);
  }

  @Test
  void theClientTurnsToAnotherExport() throws IOException {
    try (RawClient client = world.fixture.connect().hello()) {
      assertEquals(Wire.REP_ACK, client.ask(Wire.OPT_INFO, RawClient.go(NAME)));
      assertEquals(Wire.REP_ACK, client.ask(Wire.OPT_GO, RawClient.go("disk")));
      assertBack(1);
      client.read(Mode.SIMPLE, 0, 512);
    }
  }

  @Test
  void theServerCloses() throws IOException {
    try (RawClient client = world.enter()) {
      client.read(Mode.SIMPLE, 0, 512);
      world.fixture.server.close();
      assertBack(1);
    }
  }

  @Test
  void theServerIsUpdated() throws IOException {
    try (RawClient client = world.enter()) {
      assertEquals(0, client.write(Mode.SIMPLE, 0, 0, new byte[512]));
      world.update();
      assertEquals(1, source.released.get());
      assertEquals(1, device.flushes.get());
      assertArrayEquals(new byte[512], client.read(Mode.SIMPLE, 0, 512));
      assertEquals(2, source.opened.get());
    }
    assertBack(2);
  }

  @Test
  void theServerIsUpdatedAndTheSourceComesLater() throws Exception {
    try (RawClient client = world.enter()) {
      client.read(Mode.SIMPLE, 0, 512);
      world.fixture.exports.sources().left(source, 1);
      world.update();
      client.request(Mode.SIMPLE, 0, Wire.CMD_READ, 1, 0, 512);
      Thread.sleep(100);
      world.fixture.exports.sources().arrived(source, 2);
      assertArrayEquals(Arrays.copyOf(device.bytes, 512), client.chunk(512).data());
    }
    assertBack(2);
  }

  @Test
  void theServerIsUpdatedAndTheSourceDoesNotCome() throws Exception {
    try (RawClient client = world.enter()) {
      client.read(Mode.SIMPLE, 0, 512);
      world.fixture.exports.sources().left(source, 1);
      world.update();
      assertTrue(client.atEnd());
    }
    assertBack(1);
  }

  /** The client was told that it is written; it has to learn that it may not be. */
  @Test
  void aFlushThatFailsBeforeAnUpdateEndsTheClient() throws Exception {
    FakeDevice sick =
        new FakeDevice(NAME, SourceFixture.SIZE) {
          @Override
          public void flush() {
            throw new IllegalStateException("no");
          }
        };
    FakeSource other = new FakeSource("sick", sick);
    world.fixture.exports.sources().arrived(other, 2);
    try (RawClient client = world.fixture.connect().enter("sick", Mode.SIMPLE)) {
      assertEquals(0, client.write(Mode.SIMPLE, 0, 0, new byte[512]));
      world.update();
      assertTrue(client.atEnd());
    }
    ServerFixture.await("it comes back", other::settled);
    assertEquals(1, other.opened.get());
  }

  @Test
  void anotherServiceTakesItsPlace() throws IOException {
    try (RawClient client = world.enter()) {
      assertEquals(0, client.write(Mode.SIMPLE, 0, 0, new byte[512]));
      world.fixture.exports.sources().left(source, 1);
      FakeDevice same = new FakeDevice(NAME, device.bytes);
      FakeSource next = new FakeSource(NAME, same);
      world.fixture.exports.sources().arrived(next, 2);
      assertArrayEquals(new byte[512], client.read(Mode.SIMPLE, 0, 512));
      assertEquals(1, device.flushes.get());
      assertBack(1);
      assertEquals(0, client.command(Mode.SIMPLE, 0, Wire.CMD_FLUSH, 0, 0));
      assertEquals(1, same.flushes.get());
      assertEquals(1, next.opened.get());
      assertEquals(0, next.released.get());
      client.close();
      ServerFixture.await("that comes back too", next::settled);
    }
  }

  @Test
  void aRequestWaitsForTheServiceThatTakesItsPlace() throws Exception {
    try (RawClient client = world.enter()) {
      client.read(Mode.SIMPLE, 0, 512);
      world.fixture.exports.sources().left(source, 1);
      client.request(Mode.SIMPLE, 0, Wire.CMD_READ, 1, 0, 512);
      Thread.sleep(100);
      world.fixture.exports.sources().arrived(source, 2);
      assertArrayEquals(Arrays.copyOf(device.bytes, 512), client.chunk(512).data());
    }
    assertBack(2);
  }

  @Test
  void withoutAnotherServiceRequestsFail() throws IOException {
    try (RawClient client = world.enter()) {
      client.read(Mode.SIMPLE, 0, 512);
      world.fixture.exports.sources().left(source, 1);
      client.request(Mode.SIMPLE, 0, Wire.CMD_READ, 1, 0, 512);
      assertEquals(WireError.ESHUTDOWN, client.chunk(512).error());
      world.fixture.exports.sources().arrived(source, 2);
      assertEquals(512, client.read(Mode.SIMPLE, 0, 512).length);
    }
    assertBack(2);
  }

  @Test
  void aServiceOfAnotherSizeIsAnotherThing() throws IOException {
    try (RawClient client = world.enter()) {
      client.read(Mode.SIMPLE, 0, 512);
      world.fixture.exports.sources().left(source, 1);
      FakeSource next = new FakeSource(NAME, new FakeDevice(NAME, SourceFixture.SIZE / 2));
      world.fixture.exports.sources().arrived(next, 2);
      client.request(Mode.SIMPLE, 0, Wire.CMD_READ, 1, 0, 512);
      assertEquals(WireError.ESHUTDOWN, client.chunk(512).error());
      ServerFixture.await("it comes back", next::settled);
      assertEquals(1, next.opened.get());
    }
    assertBack(1);
  }

  /** What is under way ends on the device it began on, which comes back only then. */
  @Test
  void requestsUnderWayEndWhereTheyBegan() throws Exception {
    try (RawClient client = world.enter()) {
      client.read(Mode.SIMPLE, 0, 512);
      CountDownLatch answer = new CountDownLatch(1);
      device.held = answer;
      client.request(Mode.SIMPLE, 0, Wire.CMD_READ, 1, 0, 512);
      ServerFixture.await("under way", () -> device.waiting.get() == 1);
      world.fixture.exports.sources().left(source, 1);
      client.close();
      assertEquals(0, source.released.get());
      device.held = null;
      answer.countDown();
    }
    assertBack(1);
  }

  @Test
  void oneThatClientsStillAskForIsWaitedForAShortWhile() throws Exception {
    world.fixture.exports.sources().left(source, 1);
    Thread back =
        new Thread(
            () -> {
              try {
                Thread.sleep(100);
              } catch (InterruptedException e) {
                throw new AssertionError(e);
              }
              world.fixture.exports.sources().arrived(source, 2);
            });
    back.start();
    try (RawClient client = world.enter()) {
      client.read(Mode.SIMPLE, 0, 512);
    }
    back.join();
    assertThrows(IOException.class, () -> world.fixture.connect().enter("never", Mode.SIMPLE));
  }
}

// SPDX-License-Identifier: Apache-2.0
package org.blksnap.nbd.internal.server;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.blksnap.nbd.internal.protocol.Mode;
import org.blksnap.nbd.internal.protocol.RawClient;
import org.blksnap.nbd.internal.protocol.Wire;
import org.blksnap.nbd.internal.protocol.WireError;
import org.blksnap.nbd.internal.session.Limits;
import org.blksnap.nbd.internal.session.Parcel;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class HandoverTest {
  private ServerFixture fixture;

  @BeforeEach
  void open() throws IOException {
    fixture = new ServerFixture();
  }

  @AfterEach
  void close() throws IOException {
    fixture.close();
  }

  /** What an update of the bundle does. */
  private void update() throws IOException {
    Map<String, Object> left = fixture.server.park();
    assertNeutral(left);
    NbdServer next = new NbdServer(fixture.exports, Limits.DEFAULTS);
    next.adopt(left);
    next.listen(ListenAddress.unix(fixture.socket), null);
    fixture.server = next;
  }

  private static void assertNeutral(Object value) {
    if (value instanceof Map<?, ?> map) {
      map.keySet().forEach(HandoverTest::assertNeutral);
      map.values().forEach(HandoverTest::assertNeutral);
    } else if (value instanceof Collection<?> all) {
      all.forEach(HandoverTest::assertNeutral);
    } else {
      assertFalse(value.getClass().getName().startsWith("org.blksnap"), value.toString());
    }
  }

  @Test
  void idleClientGoesOn() throws IOException {
    try (RawClient client = fixture.connect().enter("disk", Mode.SIMPLE)) {
      client.read(Mode.SIMPLE, 0, 512);
      update();
      assertArrayEquals(Arrays.copyOf(fixture.device.bytes, 512), client.read(Mode.SIMPLE, 0, 512));
    }
  }

  @Test
  void contextsAndModeAreKept() throws IOException {
    fixture.device.changes.number = 1;
    fixture.device.changes.map = new byte[] {0, 1};
    String point = "blksnap:changed:" + fixture.device.changes.generation + ":0";
    try (RawClient client = fixture.connect().enter("disk", Mode.EXTENDED, point)) {
      client.read(Mode.EXTENDED, 0, 512);
      fixture.device.changes.map = new byte[2];
      update();
      client.request(Mode.EXTENDED, 0, Wire.CMD_BLOCK_STATUS, 1, 0, 8192);
      assertEquals(8 + 2 * 16, client.chunk(0).data().length);
      assertEquals(8, fixture.server.shared().contexts().held());
    }
  }

  @Test
  void halfARequestIsKept() throws IOException {
    try (RawClient client = fixture.connect().enter("disk", Mode.SIMPLE)) {
      byte[] data = new byte[4096];
      Arrays.fill(data, (byte) 9);
      byte[] write = RawClient.bytes(Mode.SIMPLE, 0, Wire.CMD_WRITE, 5, 0, data.length, data);
      client.out.write(write, 0, 1000);
      client.out.flush();
      update();
      client.out.write(write, 1000, write.length - 1000);
      assertEquals(0, client.chunk(0).error());
      assertArrayEquals(data, Arrays.copyOf(fixture.device.bytes, 4096));
    }
  }

  @Test
  void longWriteUnderWayIsFinishedFirst() throws Exception {
    try (RawClient client = fixture.connect().enter("disk", Mode.SIMPLE)) {
      byte[] data = new byte[2 << 20];
      Arrays.fill(data, (byte) 7);
      byte[] write = RawClient.bytes(Mode.SIMPLE, 0, Wire.CMD_WRITE, 5, 0, data.length, data);
      client.out.write(write, 0, 1 << 20);
      ServerFixture.await("first piece", () -> fixture.device.bytes[0] == 7);
      Thread rest =
          new Thread(
              () -> {
                try {
                  client.out.write(write, 1 << 20, write.length - (1 << 20));
                } catch (IOException e) {
                  throw new AssertionError(e);
                }
              });
      rest.start();
      update();
      assertEquals(0, client.chunk(0).error());
      rest.join();
      assertArrayEquals(data, Arrays.copyOf(fixture.device.bytes, data.length));
    }
  }

  @Test
  void halfALongPayloadIsKept() throws Exception {
    try (RawClient client = fixture.connect().enter("disk", Mode.SIMPLE)) {
      byte[] data = new byte[3 << 20];
      new java.util.Random(4).nextBytes(data);
      byte[] write = RawClient.bytes(Mode.SIMPLE, 1, Wire.CMD_WRITE, 5, 512, data.length, data);
      client.out.write(write, 0, (1 << 20) + 333);
      ServerFixture.await("first piece", () -> fixture.device.bytes[512] == data[0]);
      update();
      client.out.write(write, (1 << 20) + 333, 1 << 20);
      update();
      client.out.write(write, (2 << 20) + 333, write.length - (2 << 20) - 333);
      RawClient.Chunk answer = client.chunk(0);
      assertEquals(0, answer.error());
      assertEquals(5, answer.cookie());
      assertEquals(1, fixture.device.flushes.get());
      assertArrayEquals(data, Arrays.copyOfRange(fixture.device.bytes, 512, 512 + data.length));
      assertEquals(512, client.read(Mode.SIMPLE, 0, 512).length);
    }
  }

  @Test
  void refusedLongPayloadStaysRefusedAcrossAnUpdate() throws Exception {
    try (RawClient client = fixture.connect().enter("disk", Mode.STRUCTURED)) {
      byte[] data = new byte[2 << 20];
      long outside = fixture.device.bytes.length;
      byte[] write =
          RawClient.bytes(Mode.STRUCTURED, 0, Wire.CMD_WRITE, 5, outside, data.length, data);
      client.out.write(write, 0, 1 << 20);
      update();
      client.out.write(write, 1 << 20, write.length - (1 << 20));
      assertEquals(WireError.ENOSPC, client.chunk(0).error());
      assertEquals(512, client.read(Mode.STRUCTURED, 0, 512).length);
    }
  }

  /** More of them than are carried out at once, by the reader and by workers. */
  @Test
  void requestsThatOutlastTheUpdateAreAnsweredAndTheirClientGoesOn() throws Exception {
    try (RawClient other = fixture.connect().enter("disk", Mode.SIMPLE);
        RawClient client = fixture.connect().enter("disk", Mode.SIMPLE)) {
      other.read(Mode.SIMPLE, 0, 512);
      client.read(Mode.SIMPLE, 0, 512);
      CountDownLatch answers = new CountDownLatch(1);
      fixture.device.held = answers;
      ByteArrayOutputStream flushes = new ByteArrayOutputStream();
      for (int cookie = 0; cookie < 20; cookie++) {
        flushes.write(RawClient.bytes(Mode.SIMPLE, 0, Wire.CMD_FLUSH, cookie, 0, 0));
      }
      client.out.write(flushes.toByteArray());
      ServerFixture.await("requests under way", () -> fixture.device.waiting.get() > 1);
      update();
      fixture.device.held = null;
      assertEquals(512, other.read(Mode.SIMPLE, 0, 512).length);
      assertEquals(1, fixture.server.connectionCount());
      fixture.device.held = answers;
      update();
      answers.countDown();
      fixture.device.held = null;
      Set<Long> cookies = new HashSet<>();
      for (int i = 0; i < 20; i++) {
        RawClient.Chunk answer = client.chunk(0);
        assertEquals(0, answer.error());
        cookies.add(answer.cookie());
      }
      assertEquals(20, cookies.size());
      assertEquals(20, fixture.device.flushes.get());
      ServerFixture.await("it followed", () -> fixture.server.connectionCount() == 2);
      assertEquals(512, client.read(Mode.SIMPLE, 0, 512).length);
      assertEquals(512, other.read(Mode.SIMPLE, 0, 512).length);
    }
  }

  @Test
  void clientThatTakesItsRepliesSlowlyFollowsAndHoldsUpNobody() throws Exception {
    try (RawClient other = fixture.connect().enter("disk", Mode.SIMPLE);
        RawClient slow = fixture.connect().enter("disk", Mode.SIMPLE)) {
      slow.request(Mode.SIMPLE, 0, Wire.CMD_READ, 1, 0, 4 << 20);
      slow.in.readInt();
      long begin = System.nanoTime();
      update();
      assertEquals(512, other.read(Mode.SIMPLE, 0, 512).length);
      assertTrue(System.nanoTime() - begin < 3 * Clients.REST_MILLIS * 1_000_000);
      slow.in.skipNBytes(12);
      assertArrayEquals(fixture.device.bytes, slow.in.readNBytes(4 << 20));
      assertEquals(512, slow.read(Mode.SIMPLE, 0, 512).length);
    }
  }

  @Test
  void clientThatNegotiatesGoesOn() throws Exception {
    try (RawClient client = fixture.connect()) {
      client.hello();
      client.ask(Wire.OPT_STRUCTURED_REPLY);
      update();
      assertEquals(Wire.REP_ACK, client.ask(Wire.OPT_GO, RawClient.go("disk")));
      ServerFixture.await("it followed", () -> fixture.server.connectionCount() == 1);
      assertEquals(512, client.read(Mode.STRUCTURED, 0, 512).length);
    }
  }

  @Test
  void whatTheVersionBeforeLeftIsUnderstood() throws Exception {
    try (RawClient client = fixture.connect().enter("disk", Mode.SIMPLE)) {
      client.read(Mode.SIMPLE, 0, 512);
      Map<String, Object> left = fixture.server.park();
      left.replaceAll(
          (key, value) -> {
            if (value instanceof Map<?, ?> state && key.startsWith(Parcel.STATE)) {
              Map<Object, Object> older = new LinkedHashMap<>(state);
              older.put("version", 2);
              return older;
            }
            return value;
          });
      fixture.server = new NbdServer(fixture.exports, Limits.DEFAULTS);
      fixture.server.adopt(left);
      assertEquals(512, client.read(Mode.SIMPLE, 0, 512).length);
    }
  }

  @Test
  void clientsThatComeDuringTheGapAreServed() throws Exception {
    Map<String, Object> left = fixture.server.park();
    try (RawClient client = fixture.connect()) {
      NbdServer next = new NbdServer(fixture.exports, Limits.DEFAULTS);
      next.adopt(left);
      next.listen(ListenAddress.unix(fixture.socket), null);
      fixture.server = next;
      client.enter("disk", Mode.STRUCTURED);
    }
  }

  @Test
  void clientOfAnExportThatIsGoneIsDropped() throws Exception {
    try (RawClient client = fixture.connect().enter("disk", Mode.SIMPLE)) {
      client.read(Mode.SIMPLE, 0, 512);
      fixture.engine.devices.clear();
      update();
      assertTrue(client.atEnd());
    }
  }

  @Test
  void noRequestFailsWhileUpdatesFollowEachOther() throws Exception {
    AtomicBoolean stop = new AtomicBoolean();
    AtomicReference<Throwable> failure = new AtomicReference<>();
    Thread load =
        new Thread(
            () -> {
              try (RawClient client = fixture.connect().enter("disk", Mode.STRUCTURED)) {
                byte[] data = new byte[8192];
                for (int i = 0; !stop.get(); i++) {
                  Arrays.fill(data, (byte) i);
                  assertEquals(0, client.write(Mode.STRUCTURED, 0, i % 64 * 8192, data));
                  assertArrayEquals(data, client.read(Mode.STRUCTURED, i % 64 * 8192, 8192));
                }
              } catch (Throwable e) {
                failure.set(e);
              }
            });
    load.start();
    for (int i = 0; i < 20; i++) {
      Thread.sleep(20);
      update();
    }
    stop.set(true);
    load.join();
    if (failure.get() != null) {
      throw new AssertionError(failure.get());
    }
  }
}

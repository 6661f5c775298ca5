// SPDX-License-Identifier: Apache-2.0
package org.blksnap.nbd.internal.server;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.blksnap.api.export.Export;
import org.blksnap.api.export.ExportKind;
import org.blksnap.api.health.Finding;
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

/** What clients have of block devices of others. */
@Timeout(60)
class SourcesTest {
  private static final String NAME = SourceFixture.NAME;
  private static final int SIZE = SourceFixture.SIZE;

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
  }

  private static List<String> listed(RawClient client) throws IOException {
    client.option(Wire.OPT_LIST, new byte[0]);
    List<String> names = new ArrayList<>();
    while (true) {
      RawClient.Reply reply = client.reply();
      if (reply.type() == Wire.REP_ACK) {
        return names;
      }
      names.add(reply.text().substring(4));
    }
  }

  @Test
  void itIsListedWithItsWordsAndNotOpenedForThat() throws IOException {
    try (RawClient client = world.fixture.connect().hello()) {
      List<String> names = listed(client);
      assertTrue(names.contains("keptwhat was kept of kept"), names.toString());
      assertEquals(2, names.size());
    }
    assertEquals(
        new Export(
            NAME,
            ExportKind.SOURCE,
            -1,
            true,
            "nbd+unix:///kept?socket=" + world.fixture.socket,
            0),
        world.export(NAME));
    assertEquals(0, source.opened.get());
  }

  @Test
  void onceOpenedItsSizeIsKnown() throws IOException {
    try (RawClient client = world.enter()) {
      client.read(Mode.SIMPLE, 0, 512);
      Export export = world.export(NAME);
      assertEquals(SIZE, export.size());
      assertEquals(1, export.connections());
      assertFalse(export.readOnly());
    }
    ServerFixture.await("no client", () -> world.export(NAME).connections() == 0);
    assertEquals(SIZE, world.export(NAME).size());
  }

  @Test
  void itIsReadAndWritten() throws IOException {
    try (RawClient client = world.enter()) {
      assertArrayEquals(device.bytes, client.read(Mode.SIMPLE, 0, SIZE));
      byte[] data = new byte[5000];
      Arrays.fill(data, (byte) 6);
      assertEquals(0, client.write(Mode.SIMPLE, Wire.CMD_FLAG_FUA, 777, data));
      assertArrayEquals(data, Arrays.copyOfRange(device.bytes, 777, 5777));
      assertEquals(0, client.command(Mode.SIMPLE, 0, Wire.CMD_WRITE_ZEROES, 777, 5000));
      assertEquals(0, client.command(Mode.SIMPLE, 0, Wire.CMD_FLUSH, 0, 0));
      assertArrayEquals(new byte[5000], client.read(Mode.SIMPLE, 777, 5000));
      assertEquals(1, device.flushes.get());
      assertEquals(1, source.opened.get());
    }
  }

  /** The flags that a client is told with the size. */
  private int flags() throws IOException {
    try (RawClient client = world.fixture.connect().hello()) {
      client.option(Wire.OPT_INFO, RawClient.go(NAME));
      while (true) {
        RawClient.Reply reply = client.reply();
        ByteBuffer data = ByteBuffer.wrap(reply.data());
        if (reply.type() == Wire.REP_INFO && data.getShort() == Wire.INFO_EXPORT) {
          assertEquals(SIZE, data.getLong());
          return data.getShort();
        }
      }
    }
  }

  /** Each connection has a device of its own, and a flush of one says nothing of another. */
  @Test
  void severalConnectionsMayWriteOnlyWhatIsOneDevice() throws IOException {
    assertEquals(0, flags() & (Wire.FLAG_READ_ONLY | Wire.FLAG_CAN_MULTI_CONN));
    device.readOnly = true;
    int both = Wire.FLAG_READ_ONLY | Wire.FLAG_CAN_MULTI_CONN;
    assertEquals(both, flags() & both);
  }

  @Test
  void aReadOnlyOneRefusesWrites() throws IOException {
    device.readOnly = true;
    try (RawClient client = world.enter()) {
      assertEquals(WireError.EPERM, client.write(Mode.SIMPLE, 0, 0, new byte[512]));
      assertEquals(512, client.read(Mode.SIMPLE, 0, 512).length);
    }
  }

  @Test
  void itsOnlyContextIsTheAllocation() throws IOException {
    try (RawClient client = world.fixture.connect().hello()) {
      client.ask(Wire.OPT_STRUCTURED_REPLY);
      assertEquals(
          List.of("base:allocation"),
          client.contextNames(Wire.OPT_LIST_META_CONTEXT, RawClient.contexts(NAME)));
      String[] asked = {"base:allocation", "qemu:dirty-bitmap:blksnap"};
      assertEquals(
          List.of("base:allocation"),
          client.contextNames(Wire.OPT_SET_META_CONTEXT, RawClient.contexts(NAME, asked)));
    }
    Arrays.fill(device.bytes, 0, 8192, (byte) 0);
    try (RawClient client =
        world.fixture.connect().enter(NAME, Mode.STRUCTURED, "base:allocation")) {
      client.request(Mode.STRUCTURED, 0, Wire.CMD_BLOCK_STATUS, 1, 0, 16384);
      ByteBuffer status = ByteBuffer.wrap(client.chunk(0).data());
      assertEquals(8192, status.getInt(4));
      assertEquals(Wire.STATE_HOLE | Wire.STATE_ZERO, status.getInt(8));
    }
  }

  @Test
  void theEmptyNameIsTheOnlyDeviceAllTheSame() throws IOException {
    try (RawClient client = world.fixture.connect().enter("", Mode.SIMPLE)) {
      assertArrayEquals(
          Arrays.copyOf(world.fixture.device.bytes, 512), client.read(Mode.SIMPLE, 0, 512));
    }
    world.fixture.engine.devices.clear();
    assertThrows(IOException.class, () -> world.fixture.connect().enter("", Mode.SIMPLE));
    assertEquals(0, source.opened.get());
  }

  @Test
  void aDeviceOfThatNameComesFirstAndTheDoctorSaysSo() throws IOException {
    FakeSource second = new FakeSource("disk", device);
    FakeSource younger = new FakeSource(NAME, device);
    FakeSource nameless = new FakeSource("", device);
    FakeSource shouting = new FakeSource("a\nb", device);
    FakeSource endless = new FakeSource("ä".repeat(2049), device);
    FakeSource broken = new FakeSource("half \ud800", device);
    long id = 2;
    for (FakeSource each : List.of(second, younger, nameless, shouting, endless, broken)) {
      world.fixture.exports.sources().arrived(each, id++);
    }
    world.fixture.exports.sources().arrived(new FakeSource("ä".repeat(2048), device), id);
    List<Finding> findings = NbdFindings.sources(world.fixture.exports);
    String all = String.join("\n", findings.stream().map(Finding::observation).toList());
    assertEquals(6, findings.size(), all);
    for (String why :
        List.of(
            "service 2) is not served: a device or an image is named \"disk\" too",
            "service 3) is not served: an older source is named \"kept\" too",
            "service 4) is not served: it has no name",
            "service 5) is not served: its name has control characters",
            "service 6) is not served: its name has 4098 bytes",
            "service 7) is not served: its name has characters that are none")) {
      assertTrue(all.contains(why), all);
    }
    assertEquals(3, world.fixture.server.served().size());
    assertEquals(ExportKind.DEVICE, world.export("disk").kind());
    try (RawClient client = world.fixture.connect().enter("disk", Mode.SIMPLE);
        RawClient kept = world.enter()) {
      assertArrayEquals(
          Arrays.copyOf(world.fixture.device.bytes, 512), client.read(Mode.SIMPLE, 0, 512));
      assertArrayEquals(Arrays.copyOf(device.bytes, 512), kept.read(Mode.SIMPLE, 0, 512));
      assertEquals(0, second.opened.get() + younger.opened.get());
      assertEquals(1, source.opened.get());
    }
  }

  /** Who asks for the device while its engine is updated must not get something else. */
  @Test
  void aSourceDoesNotTakeTheNameOfADeviceWhoseEngineIsAway() throws Exception {
    FakeSource second = new FakeSource("disk", device);
    world.fixture.exports.sources().arrived(second, 2);
    world.fixture.exports.left("userspace", world.fixture.engine);
    Thread back =
        new Thread(
            () -> {
              try {
                Thread.sleep(300);
              } catch (InterruptedException e) {
                throw new AssertionError(e);
              }
              world.fixture.exports.arrived("userspace", world.fixture.engine);
            });
    back.start();
    try (RawClient client = world.fixture.connect().enter("disk", Mode.SIMPLE)) {
      assertArrayEquals(
          Arrays.copyOf(world.fixture.device.bytes, 512), client.read(Mode.SIMPLE, 0, 512));
    }
    back.join();
    assertEquals(0, second.opened.get());
  }
}

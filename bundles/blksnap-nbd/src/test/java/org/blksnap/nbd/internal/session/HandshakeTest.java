// SPDX-License-Identifier: Apache-2.0
package org.blksnap.nbd.internal.session;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import org.blksnap.nbd.internal.export.FakeDevice;
import org.blksnap.nbd.internal.protocol.Mode;
import org.blksnap.nbd.internal.protocol.RawClient;
import org.blksnap.nbd.internal.protocol.Wire;
import org.blksnap.nbd.internal.server.ServerFixture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class HandshakeTest {
  private ServerFixture fixture;
  private RawClient client;

  @BeforeEach
  void connect() throws IOException {
    fixture = new ServerFixture();
    client = fixture.connect();
  }

  @AfterEach
  void close() throws IOException {
    client.close();
    fixture.close();
  }

  @Test
  void greetingIsFixedNewstyleWithoutZeroes() throws IOException {
    ByteBuffer greeting = ByteBuffer.wrap(client.in.readNBytes(18));
    assertEquals(0x4e42444d41474943L, greeting.getLong());
    assertEquals(0x49484156454f5054L, greeting.getLong());
    assertEquals(3, greeting.getShort());
  }

  @Test
  void unknownClientFlagEndsTheConnection() throws IOException {
    client.hello(1 << 7);
    assertTrue(client.atEnd());
  }

  @Test
  void exportNameAnswersSizeFlagsAndZeroes() throws IOException {
    client.hello(1).option(Wire.OPT_EXPORT_NAME, "disk".getBytes());
    assertEquals(4 << 20, client.in.readLong());
    assertEquals(0x0d6d, client.in.readUnsignedShort());
    assertEquals(124, client.in.readNBytes(124).length);
    assertEquals(4096, client.read(Mode.SIMPLE, 0, 4096).length);
  }

  @Test
  void exportNameOfNothingEndsTheConnection() throws IOException {
    client.hello().option(Wire.OPT_EXPORT_NAME, "nothing".getBytes());
    assertTrue(client.atEnd());
  }

  @Test
  void emptyNameIsTheOnlyDevice() throws IOException {
    assertEquals(Wire.REP_ACK, client.hello().ask(Wire.OPT_GO, RawClient.go("")));
  }

  @Test
  void emptyNameIsUnknownAmongSeveralDevices() throws IOException {
    fixture.engine.devices.add(new FakeDevice("other", 4096));
    assertEquals(Wire.REP_ERR_UNKNOWN, client.hello().ask(Wire.OPT_GO, RawClient.go("")));
  }

  @Test
  void listNamesEveryExport() throws IOException {
    client.hello().option(Wire.OPT_LIST, new byte[0]);
    RawClient.Reply server = client.reply();
    assertEquals(Wire.REP_SERVER, server.type());
    assertEquals("disk", new String(server.data(), 4, 4));
    assertEquals(Wire.REP_ACK, client.reply().type());
  }

  @Test
  void listWithDataIsInvalid() throws IOException {
    assertEquals(Wire.REP_ERR_INVALID, client.hello().ask(Wire.OPT_LIST, (byte) 1));
  }

  @Test
  void infoTellsSizesNameAndDescription() throws IOException {
    client.hello().option(Wire.OPT_INFO, RawClient.go("disk", 1, 2, 3, 77));
    assertEquals(12, client.reply().data().length);
    ByteBuffer sizes = ByteBuffer.wrap(client.reply().data());
    assertEquals(3, sizes.getShort());
    assertEquals(1, sizes.getInt());
    assertEquals(4096, sizes.getInt());
    assertEquals(32 << 20, sizes.getInt());
    assertEquals("\0\1disk", client.reply().text());
    assertEquals("\0\2live device /fake/disk", client.reply().text());
    assertEquals(Wire.REP_ACK, client.reply().type());
    assertEquals(Wire.REP_ACK, client.ask(Wire.OPT_GO, RawClient.go("disk")));
  }

  @Test
  void goToNothingIsUnknownAndMayBeRepeated() throws IOException {
    assertEquals(Wire.REP_ERR_UNKNOWN, client.hello().ask(Wire.OPT_GO, RawClient.go("no")));
    assertEquals(Wire.REP_ACK, client.ask(Wire.OPT_GO, RawClient.go("disk")));
  }

  @Test
  void malformedGoIsInvalid() throws IOException {
    client.hello();
    assertEquals(Wire.REP_ERR_INVALID, client.ask(Wire.OPT_GO));
    assertEquals(Wire.REP_ERR_INVALID, client.ask(Wire.OPT_GO, new byte[] {0, 0, 1, 0, 0, 0}));
    assertEquals(Wire.REP_ERR_INVALID, client.ask(Wire.OPT_GO, new byte[] {0, 0, 0, 0, 0, 9}));
  }

  @Test
  void abortIsAcknowledgedAndEnds() throws IOException {
    assertEquals(Wire.REP_ACK, client.hello().ask(Wire.OPT_ABORT));
    assertTrue(client.atEnd());
  }

  @Test
  void unknownOptionIsUnsupportedAndMayBeFollowed() throws IOException {
    assertEquals(Wire.REP_ERR_UNSUP, client.hello().ask(4711, (byte) 1, (byte) 2));
    assertEquals(Wire.REP_ACK, client.ask(Wire.OPT_GO, RawClient.go("disk")));
  }

  @Test
  void hugeOptionEndsTheConnection() throws IOException {
    client.hello().out.writeLong(Wire.IHAVEOPT);
    client.out.writeInt(Wire.OPT_GO);
    client.out.writeInt(-1);
    assertTrue(client.atEnd());
  }

  @Test
  void structuredTwiceIsInvalid() throws IOException {
    assertEquals(Wire.REP_ACK, client.hello().ask(Wire.OPT_STRUCTURED_REPLY));
    assertEquals(Wire.REP_ERR_INVALID, client.ask(Wire.OPT_STRUCTURED_REPLY));
  }

  @Test
  void statusPayloadIsOfferedWhereContextsAreSelected() throws IOException {
    client.hello();
    client.ask(Wire.OPT_EXTENDED_HEADERS);
    assertEquals(0, flags() & Wire.FLAG_BLOCK_STATUS_PAYLOAD);
    client.ask(Wire.OPT_SET_META_CONTEXT, RawClient.contexts("disk", "base:allocation"));
    assertEquals(Wire.FLAG_BLOCK_STATUS_PAYLOAD, flags() & Wire.FLAG_BLOCK_STATUS_PAYLOAD);
  }

  private int flags() throws IOException {
    client.option(Wire.OPT_INFO, RawClient.go("disk"));
    ByteBuffer told = ByteBuffer.wrap(client.reply().data());
    client.reply();
    client.reply();
    return told.getShort(Short.BYTES + Long.BYTES);
  }

  @Test
  void structuredAfterExtendedIsRefused() throws IOException {
    assertEquals(Wire.REP_ACK, client.hello().ask(Wire.OPT_EXTENDED_HEADERS));
    assertEquals(Wire.REP_ERR_EXT_HEADER_REQD, client.ask(Wire.OPT_STRUCTURED_REPLY));
  }

  @Test
  void tlsOnAPlainListenerIsAgainstItsPolicy() throws IOException {
    assertEquals(Wire.REP_ERR_POLICY, client.hello().ask(Wire.OPT_STARTTLS));
  }

  @Test
  void contextsNeedStructuredReplies() throws IOException {
    assertEquals(
        Wire.REP_ERR_INVALID,
        client.hello().ask(Wire.OPT_SET_META_CONTEXT, RawClient.contexts("disk")));
  }

  @Test
  void contextsOfAnUntakenDeviceAreAllocationAlone() throws IOException {
    client.hello().ask(Wire.OPT_STRUCTURED_REPLY);
    assertEquals(
        List.of("base:allocation"),
        client.contextNames(Wire.OPT_LIST_META_CONTEXT, RawClient.contexts("disk")));
  }

  @Test
  void contextsAreListedByWildcard() throws IOException {
    fixture.device.changes.number = 2;
    client.hello().ask(Wire.OPT_STRUCTURED_REPLY);
    assertEquals(
        List.of(
            "qemu:dirty-bitmap:blksnap", "qemu:dirty-bitmap:since-0", "qemu:dirty-bitmap:since-1"),
        client.contextNames(Wire.OPT_LIST_META_CONTEXT, RawClient.contexts("disk", "qemu:")));
    assertEquals(
        2,
        client
            .contextNames(
                Wire.OPT_LIST_META_CONTEXT, RawClient.contexts("disk", "blksnap:changed:"))
            .size());
    assertEquals(
        List.of(),
        client.contextNames(Wire.OPT_LIST_META_CONTEXT, RawClient.contexts("disk", "other:x")));
  }

  @Test
  void selectedContextsHaveDistinctIdsAndUnknownOnesArePassedOver() throws IOException {
    fixture.device.changes.number = 1;
    client.hello().ask(Wire.OPT_STRUCTURED_REPLY);
    client.option(
        Wire.OPT_SET_META_CONTEXT,
        RawClient.contexts(
            "disk", "base:allocation", "qemu:dirty-bitmap:no", "qemu:dirty-bitmap:since-0"));
    int first = ByteBuffer.wrap(client.reply().data()).getInt();
    int second = ByteBuffer.wrap(client.reply().data()).getInt();
    assertTrue(first != second);
    assertEquals(Wire.REP_ACK, client.reply().type());
  }

  @Test
  void tooManyContextsAreTooBig() throws IOException {
    fixture.device.changes.number = 40;
    String[] names = new String[20];
    for (int i = 0; i < names.length; i++) {
      names[i] = "qemu:dirty-bitmap:since-" + i;
    }
    client.hello().ask(Wire.OPT_STRUCTURED_REPLY);
    assertEquals(
        Wire.REP_ERR_TOO_BIG,
        client.ask(Wire.OPT_SET_META_CONTEXT, RawClient.contexts("disk", names)));
  }

  @Test
  void optionsBeforeFixedNewstyleEndTheConnection() throws IOException {
    client.hello(0).option(Wire.OPT_LIST, new byte[0]);
    assertTrue(client.atEnd());
  }

  @Test
  void silentClientIsDroppedAfterTheHandshakeTime() throws IOException {
    try (ServerFixture impatient = new ServerFixture(new Limits(4, 1 << 20, 4, 1, false), 4096);
        RawClient silent = impatient.connect()) {
      silent.hello();
      assertTrue(silent.atEnd());
    }
  }

  @Test
  void clientsBeyondTheMaximumAreRefusedUntilOneLeaves() throws IOException {
    try (ServerFixture small = new ServerFixture(new Limits(1, 1 << 20, 4, 10, false), 4096)) {
      try (RawClient first = small.connect()) {
        first.enter("disk", Mode.SIMPLE);
        try (RawClient second = small.connect()) {
          second.hello().option(Wire.OPT_GO, RawClient.go("disk"));
          RawClient.Reply refused = second.reply();
          assertEquals(Wire.REP_ERR_POLICY, refused.type());
          assertTrue(
              refused.text().contains("the server is full: 1 connections are open, allowed 1"),
              refused.text());
          second.out.write(new byte[Wire.OPTION_BYTES + 4]);
          assertTrue(second.atEnd());
        }
      }
      ServerFixture.await("place free", () -> small.server.connectionCount() == 0);
      try (RawClient third = small.connect()) {
        third.enter("disk", Mode.SIMPLE);
      }
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.node;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Each message byte for byte; sequence number 7, the family has the number 0x1f. */
class NetlinkGoldenTest {
  private static final NbdFamily FAMILY = new NbdFamily(0x1f, 5);

  private static String hex(NetlinkRequest request) {
    return HexFormat.of().formatHex(request.bytes(7));
  }

  static byte[] bytes(String... parts) {
    return HexFormat.of().parseHex(String.join("", parts).replace(" ", ""));
  }

  private static String joined(String... parts) {
    return String.join("", parts).replace(" ", "");
  }

  static List<NetlinkReply> parsed(byte[] datagram) {
    return NetlinkReply.parse(datagram, datagram.length);
  }

  @Test
  void whichNumber() {
    assertEquals(
        joined(
            "1c000000 1000 0500 07000000 00000000", // length, type, flags, sequence, port
            "03 01 0000", // GETFAMILY, version
            "0800 0200 6e626400"), // name "nbd"
        hex(NbdFamily.whichNumber()));
  }

  @Test
  void connect() {
    NbdFamily.Terms terms = new NbdFamily.Terms(0x4000000, 4096, 30, 0x16d, 600);
    assertEquals(
        joined(
            "88000000 1f00 0500 07000000 00000000 01 01 0000",
            "0800 0100 03000000", // index
            "0c00 0200 0000000400000000", // size
            "0c00 0300 0010000000000000", // block size
            "0c00 0400 1e00000000000000", // timeout
            "0c00 0500 6d01000000000000", // server flags
            "0c00 0600 0000000000000000", // client flags
            "0c00 0800 5802000000000000", // dead-connection timeout
            "1c00 0780", // sockets, nested
            "0c00 0180 0800 0100 2a000000",
            "0c00 0180 0800 0100 2b000000",
            "0800 0a00 61626300"), // label "abc"
        hex(FAMILY.connect(OptionalInt.of(3), terms, new int[] {42, 43}, "abc")));
  }

  @Test
  void connectAnyNodeNamesNone() {
    NbdFamily.Terms terms = new NbdFamily.Terms(1, 512, 0, 1, 1);
    String any = hex(FAMILY.connect(OptionalInt.empty(), terms, new int[] {1}, "abcd"));
    assertTrue(any.startsWith("78000000"), any);
    assertEquals("0c000200", any.substring(40, 48));
    assertTrue(any.endsWith(joined("0900 0a00 61626364 00 000000")), any);
  }

  @Test
  void reconfigure() {
    assertEquals(
        joined(
            "4c000000 1f00 0500 07000000 00000000 03 01 0000",
            "0800 0100 03000000",
            "0c00 0200 0000000400000000",
            "0c00 0800 5802000000000000",
            "1000 0780 0c00 0180 0800 0100 2a000000",
            "0800 0a00 61626300"),
        hex(FAMILY.reconfigure(3, 0x4000000, 600, new int[] {42}, "abc")));
  }

  @Test
  void disconnect() {
    assertEquals(
        joined("1c000000 1f00 0500 07000000 00000000 02 01 0000 0800 0100 03000000"),
        hex(FAMILY.disconnect(3)));
  }

  @Test
  void status() {
    assertEquals(joined("14000000 1f00 0500 07000000 00000000 05 01 0000"), hex(FAMILY.status()));
  }

  static final String FAMILY_ANSWER =
      joined(
          "58000000 1000 0000 01000000 00000000 01 02 0000",
          "0800 0200 6e626400",
          "0600 0100 1f00 0000",
          "0800 0300 01000000",
          "2c00 0780", // groups
          "2800 0100",
          "0800 0200 05000000",
          "1100 0100 6e62645f6d635f67726f7570 00 000000",
          "0800 0900 00000000");

  @Test
  void theFamilysAnswerHasNumberAndGroup() {
    NetlinkReply reply = parsed(bytes(FAMILY_ANSWER)).get(0);
    assertEquals(0x1f, reply.attributes().number(1).orElseThrow());
    List<Attributes> groups = reply.attributes().within(7).items();
    assertEquals("nbd_mc_group", groups.get(0).text(1).orElseThrow());
    assertEquals(5, groups.get(0).number(2).orElseThrow());
  }

  @Test
  void connectAnswersItsIndexAndThenTheLastWord() {
    List<NetlinkReply> replies =
        parsed(
            bytes(
                "1c000000 1f00 0000 07000000 00000000 01 01 0000 0800 0100 03000000",
                "24000000 0200 0001 07000000 00000000 00000000",
                "88000000 1f00 0500 07000000 00000000"));
    assertEquals(2, replies.size());
    assertEquals(OptionalInt.of(3), NbdFamily.connected(replies));
    assertTrue(replies.get(1).last());
    assertEquals(0, replies.get(1).error());
    assertEquals("", replies.get(1).text());
  }

  @Test
  void statusAnswersEachNode() {
    List<NetlinkReply> replies =
        parsed(
            bytes(
                "48000000 1f00 0000 07000000 00000000 05 01 0000",
                "3400 0980",
                "1800 0180 0800 0100 00000000 0500 0200 01 000000 0000 0000",
                "1800 0180 0800 0100 01000000 0500 0200 00 000000 0000 0000"));
    assertEquals(Map.of(0, true, 1, false), NbdFamily.nodes(replies));
  }

  @Test
  void anErrorHasItsNumberAndTheKernelsWords() {
    NetlinkReply capped =
        parsed(
                bytes(
                    "30000000 0200 0003 07000000 00000000 f0ffffff",
                    "88000000 1f00 0500 07000000 00000000",
                    "0c00 0100 6e6f207761790000"))
            .get(0);
    assertEquals(-16, capped.error());
    assertEquals("no way", capped.text());
  }

  @Test
  void anErrorThatEchoesTheRequestHasItsWordsBehindThat() {
    NetlinkReply echoed =
        parsed(
                bytes(
                    "3c000000 0200 0002 07000000 00000000 eaffffff",
                    "1c000000 1f00 0500 07000000 00000000",
                    "02 01 0000 0800 0100 03000000",
                    "0c00 0100 6e6f207761790000"))
            .get(0);
    assertEquals(-22, echoed.error());
    assertEquals("no way", echoed.text());
  }

  @Test
  void anErrorWithoutWordsHasNone() {
    NetlinkReply bare =
        parsed(
                bytes(
                    "24000000 0200 0000 07000000 00000000 feffffff",
                    "1c000000 1000 0500 07000000 00000000"))
            .get(0);
    assertEquals(-2, bare.error());
    assertEquals("", bare.text());
  }

  @Test
  void whateverComesIsTakenApartWithoutHarm() {
    long seed = Long.getLong("seed", System.nanoTime());
    System.out.println("seed " + seed);
    Random random = new Random(seed);
    byte[] good = bytes(FAMILY_ANSWER);
    for (int i = 0; i < 200_000; i++) {
      byte[] bad = good.clone();
      for (int flips = 1 + random.nextInt(6); flips > 0; flips--) {
        bad[random.nextInt(bad.length)] = (byte) random.nextInt(256);
      }
      int length = random.nextInt(bad.length + 1);
      for (NetlinkReply reply : NetlinkReply.parse(bad, length)) {
        reply.text();
        reply.attributes().within(7).items().forEach(item -> item.text(1));
        NbdFamily.nodes(List.of(reply));
      }
    }
  }
}

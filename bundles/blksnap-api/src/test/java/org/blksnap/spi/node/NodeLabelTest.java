// SPDX-License-Identifier: Apache-2.0
package org.blksnap.spi.node;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.UUID;
import org.blksnap.spi.node.NodeLabel.Kind;
import org.junit.jupiter.api.Test;

class NodeLabelTest {
  private static final UUID INSTANCE = UUID.fromString("01234567-89ab-cdef-0123-456789abcdef");

  @Test
  void theTextIsOneLineOfWords() {
    NodeLabel label =
        new NodeLabel(INSTANCE, Kind.DEVICE, 1, 600, "my disk", "dev:8 1", "/srv/ä b.img");
    assertEquals(
        "blksnap-1 01234567-89ab-cdef-0123-456789abcdef device 1 600 my%20disk dev%3A8%201"
            + " %2Fsrv%2F%C3%A4%20b.img",
        label.text());
  }

  @Test
  void whatIsEmptyIsADash() {
    NodeLabel label = new NodeLabel(INSTANCE, Kind.SOURCE, 4, 5, "-", "", "");
    assertTrue(label.text().endsWith(" source 4 5 %2D - -"), label.text());
    assertEquals(Optional.of(label), NodeLabel.parse(label.text() + "\n"));
  }

  @Test
  void anyNamesComeBack() {
    long seed = Long.getLong("seed", System.nanoTime());
    System.out.println("seed " + seed);
    Random random = new Random(seed);
    for (int i = 0; i < 2000; i++) {
      NodeLabel label =
          new NodeLabel(
              new UUID(random.nextLong(), random.nextLong()),
              Kind.values()[random.nextInt(3)],
              1 + random.nextInt(16),
              1 + random.nextInt(86400),
              text(random),
              text(random),
              text(random));
      assertEquals(Optional.of(label), NodeLabel.parse(label.text()), label.text());
      assertTrue(label.text().chars().allMatch(c -> c >= ' ' && c < 0x7f), label.text());
    }
  }

  private static String text(Random random) {
    StringBuilder text = new StringBuilder();
    for (int i = random.nextInt(12); i > 0; i--) {
      text.appendCodePoint(1 + random.nextInt(random.nextBoolean() ? 0x7f : 0xd7fe));
    }
    return text.toString();
  }

  @Test
  void laterVersionsMayAddWords() {
    NodeLabel label = new NodeLabel(INSTANCE, Kind.IMAGE, 1, 600, "a", "b", "/c");
    assertEquals(Optional.of(label), NodeLabel.parse(label.text() + " more words"));
  }

  @Test
  void labelsOfOthersAreNone() {
    for (String foreign :
        List.of(
            "",
            "blksnap-1",
            "blksnap-2 " + INSTANCE + " device 1 600 a b c",
            "blksnap-1 nobody device 1 600 a b c",
            "blksnap-1 " + INSTANCE + " thing 1 600 a b c",
            "blksnap-1 " + INSTANCE + " device x 600 a b c",
            "blksnap-1 " + INSTANCE + " device 1 y a b c",
            "blksnap-1 " + INSTANCE + " device 1 600 %zz b c",
            "blksnap-1 " + INSTANCE + " device 1 600 a b %2F%00",
            "blksnap-1 " + INSTANCE + " device 1 600 a b")) {
      assertEquals(Optional.empty(), NodeLabel.parse(foreign), foreign);
    }
  }
}

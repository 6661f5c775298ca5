// SPDX-License-Identifier: Apache-2.0
package org.blksnap.node.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ImageLinksTest {
  private static final String IMAGE = "blksnap-image_7:0";

  @TempDir Path dev;
  private ImageLinks links;
  private Path link;

  @BeforeEach
  void begin() {
    links = new ImageLinks(dev);
    link = dev.resolve(IMAGE);
  }

  private Optional<Path> make(int index, boolean othersConnected) {
    return links.make(IMAGE, index, other -> othersConnected);
  }

  @Test
  void anImageHasALinkToItsNode() throws Exception {
    assertEquals(Optional.of(link), make(3, true));
    assertEquals(Path.of("nbd3"), Files.readSymbolicLink(link));
    assertEquals(Optional.of(link), make(3, true));
    links.remove(IMAGE, 3);
    assertFalse(Files.exists(link, LinkOption.NOFOLLOW_LINKS));
  }

  @Test
  void whatIsNoImageHasNone() {
    assertEquals(Optional.empty(), links.make("disk", 3, other -> false));
    assertEquals(Optional.empty(), links.make("../blksnap-image_7:0", 3, other -> false));
    assertEquals(Optional.empty(), links.make("blksnap-image_7:0/..", 3, other -> false));
  }

  @Test
  void whatIsNotOursStays() throws Exception {
    Files.writeString(link, "mine");
    assertEquals(Optional.empty(), make(3, false));
    links.remove(IMAGE, 3);
    assertEquals("mine", Files.readString(link));
    Files.delete(link);
    Files.createSymbolicLink(link, Path.of("/dev/sda"));
    assertEquals(Optional.empty(), make(3, false));
    links.remove(IMAGE, 3);
    assertEquals(Path.of("/dev/sda"), Files.readSymbolicLink(link));
  }

  @Test
  void theLinkOfAnotherNodeStaysWhileThatIsConnected() throws Exception {
    Files.createSymbolicLink(link, Path.of("nbd5"));
    assertEquals(Optional.empty(), make(3, true));
    links.remove(IMAGE, 3);
    assertEquals(Path.of("nbd5"), Files.readSymbolicLink(link));
  }

  @Test
  void theLinkOfANodeThatWentIsReplaced() throws Exception {
    Files.createSymbolicLink(link, Path.of("nbd5"));
    assertEquals(Optional.of(link), make(3, false));
    assertEquals(Path.of("nbd3"), Files.readSymbolicLink(link));
  }

  @Test
  void aDirectoryThatCannotBeWrittenToCostsTheLinkAlone() {
    ImageLinks nowhere = new ImageLinks(dev.resolve("absent"));
    assertEquals(Optional.empty(), nowhere.make(IMAGE, 3, other -> false));
    assertTrue(Files.notExists(dev.resolve("absent")));
  }
}

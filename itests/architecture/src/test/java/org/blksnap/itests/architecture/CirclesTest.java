// SPDX-License-Identifier: Apache-2.0
package org.blksnap.itests.architecture;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** What the check of the floors is made of finds what it is to find. */
class CirclesTest {
  private static final String HERE = "org.blksnap.itests.architecture.";

  @Test
  void whatLeadsBackToItselfIsACircle() {
    assertEquals(
        List.of(Set.of("a", "b", "c")),
        Circles.in(
            Map.of("a", Set.of("b"), "b", Set.of("c", "d"), "c", Set.of("a"), "d", Set.of("e"))));
  }

  @Test
  void twoCirclesWithAnArrowBetweenThemAreTwo() {
    List<Set<String>> found =
        Circles.in(
            Map.of("a", Set.of("b"), "b", Set.of("a", "c"), "c", Set.of("d"), "d", Set.of("c")));
    assertEquals(Set.of(Set.of("a", "b"), Set.of("c", "d")), Set.copyOf(found));
  }

  @Test
  void twoWaysToTheSameAreNone() {
    assertEquals(
        List.of(), Circles.in(Map.of("a", Set.of("b", "c"), "b", Set.of("d"), "c", Set.of("d"))));
  }

  @Test
  void aClassNamedInCodeOrInASignatureIsSeen() throws IOException {
    Set<String> names = namesIn("CirclesTest.class");
    assertTrue(names.contains(HERE + "Circles"), names.toString());
    assertTrue(names.contains("java.util.Set"), names.toString());
    assertTrue(namesIn("Circles.class").contains("java.util.Deque"));
  }

  private static Set<String> namesIn(String file) throws IOException {
    try (InputStream in = CirclesTest.class.getResourceAsStream(file)) {
      return ClassNames.in(in);
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
package org.blksnap.itests.architecture;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

/** How the hand-over shelf is declared to the component runtime, read from its bundle. */
class ShelfTest {
  private static final String DESCRIPTION = "OSGI-INF/org.blksnap.control.internal.shelf.Shelf.xml";

  /** Else it ends with its last user, which may be the one that left something a moment ago. */
  @Test
  void itStaysWhereNobodyUsesIt() throws Exception {
    try (InputStream in = ShelfTest.class.getClassLoader().getResourceAsStream(DESCRIPTION)) {
      String text = new String(in.readAllBytes(), StandardCharsets.UTF_8);
      assertTrue(text.contains("immediate=\"true\""), text);
    }
  }
}

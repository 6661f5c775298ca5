// SPDX-License-Identifier: Apache-2.0
package org.blksnap.shell.internal.doctor;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class NearestTest {
  private static final List<String> KNOWN = List.of("path", "read_only", "durable");

  @Test
  void aMistypedWordHasItsNeighbour() {
    assertEquals(Optional.of("read_only"), Nearest.to("readonly", KNOWN));
    assertEquals(Optional.of("durable"), Nearest.to("durabel", KNOWN));
    assertEquals(Optional.of("path"), Nearest.to("pathe", KNOWN));
  }

  @Test
  void anotherWordHasNone() {
    assertEquals(Optional.empty(), Nearest.to("compression", KNOWN));
    assertEquals(Optional.empty(), Nearest.to("", KNOWN));
  }
}

// SPDX-License-Identifier: Apache-2.0
package org.blksnap.device.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.junit.jupiter.api.Test;

class OverlayOptionsTest {
  @Test
  void aColonThatBelongsToAPathDoesNotSplitIt() {
    assertEquals(List.of("/a\\:b", "/c"), OverlayOptions.split("/a\\:b:/c", ':'));
    assertEquals("/a:b", OverlayOptions.plain("/a\\:b"));
  }

  @Test
  void escapesOfTheMountTableAreUndoneToo() {
    assertEquals("/a b", OverlayOptions.plain("/a\\040b"));
    assertEquals("/a:b", OverlayOptions.plain("/a\\134:b"));
  }
}

// SPDX-License-Identifier: Apache-2.0
package org.blksnap.api.change;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.UUID;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.junit.jupiter.api.Test;

class ChangePointTest {
  @Test
  void itsTextIsReadBack() throws Exception {
    ChangePoint point = new ChangePoint(UUID.randomUUID(), 255);
    assertEquals(point, ChangePoint.parse(point.toString()));
    assertEquals(ChangePoint.BEGINNING, ChangePoint.parse(ChangePoint.BEGINNING.toString()));
  }

  @Test
  void whatIsNoPointIsEinvalWithTheTextAndTheForm() {
    UUID id = UUID.randomUUID();
    String[] bad = {"", ":", "7", id.toString(), id + ":", id + ":256", id + ":-1", "1-2-3-4-5:6"};
    for (String text : bad) {
      BlksnapException e =
          assertThrows(BlksnapException.class, () -> ChangePoint.parse(text), text);
      assertEquals(Errno.EINVAL, e.errno());
      assertTrue(e.getMessage().contains('"' + text + '"'), e.getMessage());
    }
  }

  @Test
  void aNumberBeyondAByteIsRefused() {
    UUID id = UUID.randomUUID();
    assertThrows(IllegalArgumentException.class, () -> new ChangePoint(id, 256));
    assertThrows(IllegalArgumentException.class, () -> new ChangePoint(id, -1));
  }
}

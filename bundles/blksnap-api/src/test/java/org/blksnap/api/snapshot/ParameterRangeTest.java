// SPDX-License-Identifier: Apache-2.0
package org.blksnap.api.snapshot;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Optional;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.junit.jupiter.api.Test;

class ParameterRangeTest {
  private final ParameterRange range =
      new ParameterRange(Parameter.CHUNK_MINIMUM_SHIFT, 12, 28, 18, "power of two");

  @Test
  void everyParameterIsFoundByItsKey() {
    for (Parameter parameter : Parameter.values()) {
      assertEquals(Optional.of(parameter), Parameter.ofKey(parameter.key()));
    }
  }

  @Test
  void bothEndsAreAllowed() throws Exception {
    assertEquals(12, range.check(12));
    assertEquals(28, range.parse(" 28 "));
  }

  @Test
  void aValueOutOfRangeIsRefusedWithNameValueRangeAndUnit() {
    for (long bad : new long[] {11, 29}) {
      BlksnapException refused = assertThrows(BlksnapException.class, () -> range.check(bad));
      assertEquals(Errno.EINVAL, refused.errno());
      String said = refused.getMessage();
      assertTrue(said.contains("chunk_minimum_shift = " + bad), said);
      assertTrue(said.contains("12 to 28 power of two"), said);
    }
  }

  @Test
  void aWordIsRefusedLikeAValueOutOfRange() {
    BlksnapException refused = assertThrows(BlksnapException.class, () -> range.parse("many"));
    assertEquals(Errno.EINVAL, refused.errno());
    assertTrue(refused.getMessage().contains("12 to 28 power of two"), refused.getMessage());
  }

  @Test
  void aDefaultOutsideIsNoRange() {
    assertThrows(
        IllegalArgumentException.class,
        () -> new ParameterRange(Parameter.CHUNK_MINIMUM_SHIFT, 12, 28, 9, "power of two"));
  }
}

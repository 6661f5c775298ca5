// SPDX-License-Identifier: Apache-2.0
package org.blksnap.api.snapshot;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Optional;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.junit.jupiter.api.Test;

class ParameterTest {
  @Test
  void everyDefaultIsInItsRange() throws Exception {
    for (Parameter parameter : Parameter.values()) {
      assertEquals(parameter.defaultValue(), parameter.check(parameter.defaultValue()));
      assertEquals(Optional.of(parameter), Parameter.ofKey(parameter.key()));
    }
  }

  @Test
  void aValueOutOfRangeIsRefusedWithNameValueAndRange() throws Exception {
    for (Parameter parameter : Parameter.values()) {
      assertEquals(parameter.minimum(), parameter.check(parameter.minimum()));
      assertEquals(parameter.maximum(), parameter.check(parameter.maximum()));
      for (long bad : new long[] {parameter.minimum() - 1, parameter.maximum() + 1}) {
        BlksnapException refused = assertThrows(BlksnapException.class, () -> parameter.check(bad));
        assertEquals(Errno.EINVAL, refused.errno());
        String said = refused.getMessage();
        assertTrue(said.contains(parameter.key() + " = " + bad), said);
        assertTrue(said.contains(parameter.minimum() + " to " + parameter.maximum()), said);
      }
    }
  }
}

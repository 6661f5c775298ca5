// SPDX-License-Identifier: Apache-2.0
package org.blksnap.api.block;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class IoFlagsTest {
  private static final List<IoFlags> EACH =
      List.of(IoFlags.FUA, IoFlags.NO_WAIT, IoFlags.NO_HOLE, IoFlags.FAST_ZERO);

  private static IoFlags combination(int which) {
    IoFlags flags = IoFlags.NONE;
    for (int i = 0; i < EACH.size(); i++) {
      flags = (which & (1 << i)) == 0 ? flags : flags.with(EACH.get(i));
    }
    return flags;
  }

  @Test
  void theSameFlagsAreTheSameObject() {
    assertSame(
        IoFlags.FUA.with(IoFlags.NO_HOLE), IoFlags.NO_HOLE.with(IoFlags.NONE).with(IoFlags.FUA));
    assertSame(IoFlags.FUA, IoFlags.FUA.with(IoFlags.FUA));
    assertSame(IoFlags.NONE, IoFlags.FUA.without(IoFlags.FUA));
  }

  @Test
  void everyCombinationIsAnother() {
    Set<IoFlags> different = new HashSet<>();
    Set<String> names = new HashSet<>();
    for (int i = 0; i < 16; i++) {
      different.add(combination(i));
      names.add(combination(i).toString());
    }
    assertEquals(16, different.size());
    assertEquals(16, names.size());
  }

  @Test
  void aCombinationHasWhatItWasMadeOfAndNoMore() {
    for (int i = 0; i < 16; i++) {
      for (int j = 0; j < 16; j++) {
        assertEquals((i & j) == j, combination(i).has(combination(j)));
        assertEquals((i & ~j) == 0, combination(i).within(combination(j)));
        assertSame(combination(i | j), combination(i).with(combination(j)));
        assertSame(combination(i & ~j), combination(i).without(combination(j)));
      }
    }
    assertTrue(IoFlags.FUA.has(IoFlags.NONE));
    assertFalse(IoFlags.NONE.has(IoFlags.FUA));
  }

  @Test
  void theyAreToldByName() {
    assertEquals("NONE", IoFlags.NONE.toString());
    assertEquals("FAST_ZERO", IoFlags.FAST_ZERO.toString());
    assertEquals("FUA|NO_WAIT", IoFlags.NO_WAIT.with(IoFlags.FUA).toString());
  }
}

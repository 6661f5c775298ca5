// SPDX-License-Identifier: Apache-2.0
package org.blksnap.control.internal.parameter;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.reflect.Method;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.snapshot.Parameter;
import org.blksnap.api.snapshot.ParameterRange;
import org.junit.jupiter.api.Test;

class ParameterSetTest {
  private final ParameterSet set = ParameterSet.unkept();

  @Test
  void defaultsAreTheModules() {
    for (Parameter parameter : Parameter.values()) {
      assertEquals(parameter.defaultValue(), set.value(parameter), parameter.key());
    }
    assertEquals(2_097_152, set.value(Parameter.DIFF_STORAGE_MINIMUM));
  }

  @Test
  void aBadValueIsRefusedByNameValueAndRangeAndTheOldOneStays() {
    set.apply(Map.of("chunk_minimum_shift", "20"));
    List<String> refused =
        set.apply(Map.of("chunk_minimum_shift", "99", "chunk_maximum_in_queue", "32"));
    assertEquals(20, set.value(Parameter.CHUNK_MINIMUM_SHIFT));
    assertEquals(
        32, set.value(Parameter.CHUNK_MAXIMUM_IN_QUEUE), "a good value beside a bad one counts");
    assertEquals(1, refused.size());
    String sentence = refused.get(0);
    assertTrue(
        sentence.contains("chunk_minimum_shift")
            && sentence.contains("99")
            && sentence.contains("12 to 30"),
        sentence);
    assertEquals(sentence, set.lastRefusal().orElseThrow());
  }

  @Test
  void aWordIsRefusedLikeANumberOutOfRange() {
    assertEquals(1, set.apply(Map.of("chunk_minimum_shift", "abc")).size());
    assertEquals(18, set.value(Parameter.CHUNK_MINIMUM_SHIFT));
  }

  @Test
  void aRefusalIsForgottenOnceCorrected() {
    set.apply(Map.of("chunk_minimum_shift", "99"));
    set.apply(Map.of("chunk_minimum_shift", "19"));
    assertTrue(set.lastRefusal().isEmpty());
  }

  @Test
  void theApiRefusesWithEinval() {
    BlksnapException refused =
        assertThrows(BlksnapException.class, () -> set.set(Parameter.CHUNK_MAXIMUM_COUNT, 0));
    assertEquals(Errno.EINVAL, refused.errno());
    assertEquals(2_097_152, set.value(Parameter.CHUNK_MAXIMUM_COUNT));
  }

  @Test
  void metatypeNamesAndDefaultsAreThoseOfTheSet() throws Exception {
    Set<String> keys = new HashSet<>();
    for (Method method : ParametersConfig.class.getDeclaredMethods()) {
      String key = method.getName().replace("__", "_");
      ParameterRange range = set.range(Parameter.ofKey(key).orElseThrow());
      assertEquals(range.defaultValue(), ((Number) method.getDefaultValue()).longValue(), key);
      keys.add(key);
    }
    assertEquals(Parameter.values().length, keys.size());
  }
}

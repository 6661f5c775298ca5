// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.reflect.Method;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.blksnap.api.health.Finding;
import org.blksnap.snapshot.internal.control.EngineSettings;
import org.junit.jupiter.api.Test;
import org.osgi.service.metatype.annotations.AttributeDefinition;

class EngineTimesTest {
  private static final String GATE = "gate_timeout_milliseconds";

  @Test
  void nothingConfiguredMeansTheDefaultsAndNoFinding() {
    EngineTimes times = new EngineTimes(Map.of());
    assertEquals(EngineSettings.DEFAULTS, times.settings());
    assertEquals(List.of(), times.examine());
  }

  @Test
  void aWordAtTheStartIsRefusedAndTheDefaultServes() {
    EngineTimes times = new EngineTimes(Map.of(GATE, "abc"));
    assertEquals(EngineSettings.DEFAULTS, times.settings());
    Finding finding = times.examine().get(0);
    assertEquals(Finding.Severity.WARNING, finding.severity());
    assertEquals(
        GATE
            + " = \"abc\" refused: allowed is a whole number from 10 to 60000; 5000 stays in force",
        finding.observation());
  }

  @Test
  void aValueOutOfRangeIsRefusedAndTheOldOneStays() {
    EngineTimes times = new EngineTimes(Map.of(GATE, "700"));
    times.modified(Map.of(GATE, "60001"));
    assertEquals(Duration.ofMillis(700), times.settings().gateTimeout());
    assertTrue(times.examine().get(0).observation().contains("60001"));
  }

  @Test
  void aGoodValueBesideABadOneCounts() {
    EngineTimes times = new EngineTimes(Map.of(GATE, "9", "handover_timeout_seconds", "3"));
    assertEquals(Duration.ofSeconds(3), times.settings().handoverTimeout());
    assertEquals(1, times.examine().size());
  }

  @Test
  void aCorrectedValueEndsTheFinding() {
    EngineTimes times = new EngineTimes(Map.of(GATE, "abc"));
    times.modified(Map.of(GATE, 800));
    assertEquals(Duration.ofMillis(800), times.settings().gateTimeout());
    assertEquals(List.of(), times.examine());
  }

  @Test
  void aValueTakenAwayMeansTheDefault() {
    EngineTimes times = new EngineTimes(Map.of(GATE, "700"));
    times.modified(Map.of());
    assertEquals(EngineSettings.DEFAULTS, times.settings());
  }

  @Test
  void rangesAreThoseOfTheDescription() {
    for (Method attribute : EngineConfig.class.getDeclaredMethods()) {
      AttributeDefinition described = attribute.getAnnotation(AttributeDefinition.class);
      if (described == null || described.max().isEmpty()) {
        continue;
      }
      long most = Long.parseLong(described.max());
      String range = "from " + described.min() + " to " + most + ";";
      Finding finding = new EngineTimes(Map.of(described.name(), most + 1)).examine().get(0);
      assertTrue(finding.observation().contains(range), finding.observation());
    }
  }
}

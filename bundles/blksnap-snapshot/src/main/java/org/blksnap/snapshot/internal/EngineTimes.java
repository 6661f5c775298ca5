// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.blksnap.api.health.Examination;
import org.blksnap.api.health.Finding;
import org.blksnap.snapshot.internal.control.EngineSettings;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Modified;
import org.osgi.service.metatype.annotations.Designate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The engine's times as ConfigAdmin knows them: PID {@code org.blksnap.engine}. A bad value never
 * comes into force: the one before it stays, at the start the default. A good value beside a bad
 * one counts.
 *
 * <p>A component of its own that outlives the engine, since it knows what was in force before.
 */
@Component(
    service = {EngineTimes.class, Examination.class},
    immediate = true,
    configurationPid = EngineTimes.PID)
@Designate(ocd = EngineConfig.class)
public final class EngineTimes implements Examination {
  static final String PID = "org.blksnap.engine";

  private static final Logger LOG = LoggerFactory.getLogger(EngineTimes.class);

  private volatile EngineSettings inForce = EngineSettings.DEFAULTS;

  @GuardedBy("this")
  private List<String> refusals = List.of();

  @Activate
  public EngineTimes(Map<String, Object> configured) {
    apply(configured);
  }

  @Modified
  void modified(Map<String, Object> configured) {
    apply(configured);
  }

  private synchronized void apply(Map<String, ?> raw) {
    List<String> refused = new ArrayList<>();
    EngineSettings now = inForce;
    EngineSettings defaults = EngineSettings.DEFAULTS;
    inForce =
        new EngineSettings(
            Duration.ofSeconds(
                number(
                    raw,
                    "handover_timeout_seconds",
                    defaults.handoverTimeout().toSeconds(),
                    now.handoverTimeout().toSeconds(),
                    new Bounds(1, 15),
                    refused)),
            Duration.ofMillis(
                number(
                    raw,
                    "gate_timeout_milliseconds",
                    defaults.gateTimeout().toMillis(),
                    now.gateTimeout().toMillis(),
                    new Bounds(10, 60_000),
                    refused)),
            Duration.ofSeconds(
                number(
                    raw,
                    "freeze_deadline_seconds",
                    defaults.freezeDeadline().toSeconds(),
                    now.freezeDeadline().toSeconds(),
                    new Bounds(0, 60),
                    refused)),
            Duration.ofMillis(
                number(
                    raw,
                    "watch_interval_milliseconds",
                    defaults.watchInterval().toMillis(),
                    now.watchInterval().toMillis(),
                    new Bounds(20, 60_000),
                    refused)));
    refusals = List.copyOf(refused);
    for (String sentence : refused) {
      LOG.warn("{}: {}", PID, sentence);
    }
  }

  private static long number(
      Map<String, ?> raw,
      String key,
      long byDefault,
      long inForce,
      Bounds bounds,
      List<String> refused) {
    Object given = raw.get(key);
    String text = given == null ? "" : given.toString().trim();
    if (text.isEmpty()) {
      return byDefault;
    }
    try {
      long value = Long.parseLong(text);
      if (value >= bounds.least() && value <= bounds.most()) {
        return value;
      }
    } catch (NumberFormatException e) {
      LOG.debug("{} is not a number", key, e);
    }
    refused.add(
        key
            + " = \""
            + text
            + "\" refused: allowed is a whole number from "
            + bounds.least()
            + " to "
            + bounds.most()
            + "; "
            + inForce
            + " stays in force");
    return inForce;
  }

  /** What is in force now. */
  EngineSettings settings() {
    return inForce;
  }

  @Override
  public synchronized List<Finding> examine() {
    return refusals.stream()
        .map(
            refusal ->
                new Finding(
                    Finding.Severity.WARNING,
                    "engine configuration",
                    refusal,
                    "correct it in etc/" + PID + ".cfg"))
        .toList();
  }

  private record Bounds(long least, long most) {}
}

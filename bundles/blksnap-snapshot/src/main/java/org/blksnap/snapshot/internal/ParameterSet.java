// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.BlockSizeRule;
import org.blksnap.api.snapshot.Parameter;
import org.blksnap.api.snapshot.Parameters;

/**
 * The nine parameters in force. A set of values is looked at as a whole: each good value comes into
 * force, each bad one is refused with its name, value and range, and the one in force before stays.
 * Readers see one immutable map.
 */
final class ParameterSet implements Parameters {
  /** Writes a value where it is kept for the next start. */
  interface Keeper {
    void keep(Parameter parameter, long value) throws BlksnapException;
  }

  private final Keeper keeper;
  private final Object lock = new Object();

  @GuardedBy("lock")
  private String refusal;

  private volatile Map<Parameter, Long> values = defaults();

  ParameterSet(Keeper keeper) {
    this.keeper = keeper;
  }

  static Map<Parameter, Long> defaults() {
    Map<Parameter, Long> map = new EnumMap<>(Parameter.class);
    for (Parameter parameter : Parameter.values()) {
      map.put(parameter, parameter.defaultValue());
    }
    return Collections.unmodifiableMap(map);
  }

  /**
   * Takes what a configuration says; answers the refusals, a sentence each. A parameter not named
   * gets its default.
   */
  List<String> apply(Map<String, ?> configured) {
    synchronized (lock) {
      Map<Parameter, Long> next = new EnumMap<>(values);
      List<String> refused = new ArrayList<>();
      for (Parameter parameter : Parameter.values()) {
        Object value = configured.get(parameter.key());
        if (value == null || String.valueOf(value).isBlank()) {
          next.put(parameter, parameter.defaultValue());
          continue;
        }
        try {
          next.put(parameter, parameter.parse(value));
        } catch (BlksnapException e) {
          refused.add(e.getMessage() + " (" + values.get(parameter) + ")");
        }
      }
      values = Collections.unmodifiableMap(next);
      refusal = refused.isEmpty() ? null : String.join("; ", refused);
      return refused;
    }
  }

  @Override
  public long value(Parameter parameter) {
    return values.get(parameter);
  }

  @Override
  public Map<Parameter, Long> values() {
    return values;
  }

  @Override
  public void set(Parameter parameter, long value) throws BlksnapException {
    parameter.check(value);
    synchronized (lock) {
      Map<Parameter, Long> next = new EnumMap<>(values);
      next.put(parameter, value);
      values = Collections.unmodifiableMap(next);
    }
    keeper.keep(parameter, value);
  }

  @Override
  public Optional<String> lastRefusal() {
    synchronized (lock) {
      return Optional.ofNullable(refusal);
    }
  }

  BlockSizeRule trackingRule() {
    Map<Parameter, Long> now = values;
    return new BlockSizeRule(
        Math.toIntExact(now.get(Parameter.TRACKING_BLOCK_MINIMUM_SHIFT)),
        now.get(Parameter.TRACKING_BLOCK_MAXIMUM_COUNT),
        Math.toIntExact(now.get(Parameter.TRACKING_BLOCK_MAXIMUM_SHIFT)));
  }

  BlockSizeRule chunkRule() {
    Map<Parameter, Long> now = values;
    return new BlockSizeRule(
        Math.toIntExact(now.get(Parameter.CHUNK_MINIMUM_SHIFT)),
        now.get(Parameter.CHUNK_MAXIMUM_COUNT),
        Math.toIntExact(now.get(Parameter.CHUNK_MAXIMUM_SHIFT)));
  }

  /** For tests and for engines without a configuration service: nothing is kept. */
  static ParameterSet unkept() {
    return new ParameterSet((parameter, value) -> {});
  }

  /** Keys and values, for the log. */
  @Override
  public String toString() {
    StringBuilder text = new StringBuilder();
    for (Map.Entry<Parameter, Long> entry : values().entrySet()) {
      text.append(text.length() == 0 ? "" : ", ")
          .append(entry.getKey().key())
          .append('=')
          .append(entry.getValue());
    }
    return text.toString();
  }
}

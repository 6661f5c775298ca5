// SPDX-License-Identifier: Apache-2.0
package org.blksnap.control.internal.parameter;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.snapshot.Parameter;
import org.blksnap.api.snapshot.ParameterRange;
import org.blksnap.api.snapshot.Parameters;

/**
 * The nine parameters of one engine in force, and what it allows. A set of values is looked at as a
 * whole: each good value comes into force, each bad one is refused with its name, value and range,
 * and the one in force before stays. Readers see one immutable map.
 */
public final class ParameterSet implements Parameters {
  /** Writes a value where it is kept for the next start. */
  interface Keeper {
    void keep(Parameter parameter, long value) throws BlksnapException;
  }

  private final Map<Parameter, ParameterRange> ranges;
  private final Keeper keeper;
  private final Object lock = new Object();

  @GuardedBy("lock")
  private String refusal;

  private volatile Map<Parameter, Long> values;

  /** {@code ranges} names all nine. */
  ParameterSet(Map<Parameter, ParameterRange> ranges, Keeper keeper) {
    this.ranges = ranges;
    this.keeper = keeper;
    Map<Parameter, Long> defaults = new EnumMap<>(Parameter.class);
    ranges.forEach((parameter, range) -> defaults.put(parameter, range.defaultValue()));
    this.values = Collections.unmodifiableMap(defaults);
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
          next.put(parameter, range(parameter).defaultValue());
          continue;
        }
        try {
          next.put(parameter, range(parameter).parse(value));
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
  public ParameterRange range(Parameter parameter) {
    return ranges.get(parameter);
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
    range(parameter).check(value);
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

  /** The userspace engine's without a configuration service, for tests: nothing is kept. */
  public static ParameterSet unkept() {
    return new ParameterSet(UserspaceRanges.ALL, (parameter, value) -> {});
  }
}

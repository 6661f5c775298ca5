// SPDX-License-Identifier: Apache-2.0
package org.blksnap.shell.internal.lookup;

import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;
import org.blksnap.api.snapshot.Parameter;
import org.blksnap.api.snapshot.ParameterRange;
import org.blksnap.api.snapshot.Parameters;

/** Parameters in memory. */
public final class FakeParameters implements Parameters {
  /** Shifts of 12 to {@code largestShift}; anything else from 8 on. */
  public long largestShift = 30;

  private final Map<Parameter, Long> values = new EnumMap<>(Parameter.class);
  public String refusal;

  public FakeParameters() {
    for (Parameter parameter : Parameter.values()) {
      values.put(parameter, parameter.defaultValue());
    }
  }

  @Override
  public ParameterRange range(Parameter parameter) {
    boolean shift = parameter.key().endsWith("_shift");
    return new ParameterRange(
        parameter,
        shift ? 12 : 8,
        shift ? largestShift : 1L << 40,
        parameter.defaultValue(),
        shift ? "power of two" : "pieces");
  }

  @Override
  public long value(Parameter parameter) {
    return values.get(parameter);
  }

  @Override
  public Map<Parameter, Long> values() {
    return new EnumMap<>(values);
  }

  @Override
  public void set(Parameter parameter, long value) {
    values.put(parameter, value);
  }

  @Override
  public Optional<String> lastRefusal() {
    return Optional.ofNullable(refusal);
  }
}

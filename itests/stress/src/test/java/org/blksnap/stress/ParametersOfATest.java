// SPDX-License-Identifier: Apache-2.0
package org.blksnap.stress;

import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.snapshot.Parameter;
import org.blksnap.api.snapshot.Parameters;

/** The defaults, and what is set; nothing is kept. */
final class ParametersOfATest implements Parameters {
  private volatile Map<Parameter, Long> values;

  ParametersOfATest() {
    Map<Parameter, Long> defaults = new EnumMap<>(Parameter.class);
    for (Parameter parameter : Parameter.values()) {
      defaults.put(parameter, parameter.defaultValue());
    }
    values = Map.copyOf(defaults);
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
    Map<Parameter, Long> next = new EnumMap<>(values);
    next.put(parameter, value);
    values = Map.copyOf(next);
  }

  @Override
  public Optional<String> lastRefusal() {
    return Optional.empty();
  }
}

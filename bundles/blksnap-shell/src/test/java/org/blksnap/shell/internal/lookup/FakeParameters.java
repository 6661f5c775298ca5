// SPDX-License-Identifier: Apache-2.0
package org.blksnap.shell.internal.lookup;

import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;
import org.blksnap.api.snapshot.Parameter;
import org.blksnap.api.snapshot.Parameters;

/** Parameters in memory. */
public final class FakeParameters implements Parameters {
  private final Map<Parameter, Long> values = new EnumMap<>(Parameter.class);
  public String refusal;

  FakeParameters() {
    for (Parameter parameter : Parameter.values()) {
      values.put(parameter, parameter.defaultValue());
    }
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

// SPDX-License-Identifier: Apache-2.0
package org.blksnap.kernel.internal.parameter;

import java.util.Collections;
import java.util.EnumMap;
import java.util.Map;
import org.blksnap.api.snapshot.Parameter;
import org.blksnap.api.snapshot.ParameterRange;

/** What this project's module allows (native-module/README.md); another one may refuse more. */
final class ModuleRanges {
  private static final int LEAST_BLOCK = 9;
  private static final int LARGEST_BLOCK = 30;

  /** One page. */
  private static final int LEAST_CHUNK = 12;

  private static final int LARGEST_CHUNK = 28;
  private static final int MOST_WAITING = 65_536;

  static final Map<Parameter, ParameterRange> ALL = all();

  private ModuleRanges() {}

  private static Map<Parameter, ParameterRange> all() {
    Map<Parameter, ParameterRange> ranges = new EnumMap<>(Parameter.class);
    for (Parameter parameter : Parameter.values()) {
      ranges.put(parameter, of(parameter));
    }
    return Collections.unmodifiableMap(ranges);
  }

  private static ParameterRange of(Parameter parameter) {
    return switch (parameter) {
      case TRACKING_BLOCK_MINIMUM_SHIFT, TRACKING_BLOCK_MAXIMUM_SHIFT ->
          range(parameter, LEAST_BLOCK, LARGEST_BLOCK, "power of two");
      case CHUNK_MINIMUM_SHIFT, CHUNK_MAXIMUM_SHIFT ->
          range(parameter, LEAST_CHUNK, LARGEST_CHUNK, "power of two");
      case TRACKING_BLOCK_MAXIMUM_COUNT -> range(parameter, 1, Integer.MAX_VALUE, "blocks");
      case CHUNK_MAXIMUM_COUNT -> range(parameter, 1, Integer.MAX_VALUE, "chunks");
      case CHUNK_MAXIMUM_IN_QUEUE -> range(parameter, 1, MOST_WAITING, "chunks");
      case FREE_DIFF_BUFFER_POOL_SIZE -> range(parameter, 0, MOST_WAITING, "buffers");
      case DIFF_STORAGE_MINIMUM -> range(parameter, 1, Integer.MAX_VALUE, "sectors");
    };
  }

  private static ParameterRange range(
      Parameter parameter, long minimum, long maximum, String unit) {
    return new ParameterRange(parameter, minimum, maximum, parameter.defaultValue(), unit);
  }
}

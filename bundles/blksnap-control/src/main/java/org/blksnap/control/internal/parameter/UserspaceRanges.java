// SPDX-License-Identifier: Apache-2.0
package org.blksnap.control.internal.parameter;

import java.util.Collections;
import java.util.EnumMap;
import java.util.Map;
import org.blksnap.api.snapshot.Parameter;
import org.blksnap.api.snapshot.ParameterRange;

/** What the userspace engine allows. {@link ParametersConfig} tells people the same. */
final class UserspaceRanges {
  /** Bits: 512 bytes, one sector, to 1 GiB. */
  private static final int LEAST_BLOCK = 9;

  /** Bits: 4 KiB, one page, to 1 GiB. */
  private static final int LEAST_CHUNK = 12;

  private static final int LARGEST = 30;
  private static final int MOST = 268_435_456;

  static final Map<Parameter, ParameterRange> ALL = all();

  private UserspaceRanges() {}

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
          range(parameter, LEAST_BLOCK, LARGEST, "power of two");
      case CHUNK_MINIMUM_SHIFT, CHUNK_MAXIMUM_SHIFT ->
          range(parameter, LEAST_CHUNK, LARGEST, "power of two");
      case TRACKING_BLOCK_MAXIMUM_COUNT -> range(parameter, 1, MOST, "blocks");
      case CHUNK_MAXIMUM_COUNT -> range(parameter, 1, MOST, "chunks");
      case CHUNK_MAXIMUM_IN_QUEUE -> range(parameter, 1, 4096, "chunks");
      case FREE_DIFF_BUFFER_POOL_SIZE -> range(parameter, 0, 65_536, "buffers");
      case DIFF_STORAGE_MINIMUM -> range(parameter, 8, 1L << 40, "sectors");
    };
  }

  private static ParameterRange range(
      Parameter parameter, long minimum, long maximum, String unit) {
    return new ParameterRange(parameter, minimum, maximum, parameter.defaultValue(), unit);
  }
}

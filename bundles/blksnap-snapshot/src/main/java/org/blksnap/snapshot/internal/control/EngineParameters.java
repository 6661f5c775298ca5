// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal.control;

import java.util.Map;
import java.util.function.Supplier;
import org.blksnap.api.block.BlockSizeRule;
import org.blksnap.api.snapshot.Parameter;

/**
 * The parameters as the engine uses them. Whoever supplies the values supplies them always, and one
 * consistent picture at a time. Any thread.
 */
public final class EngineParameters {
  private final Supplier<Map<Parameter, Long>> inForce;

  public EngineParameters(Supplier<Map<Parameter, Long>> inForce) {
    this.inForce = inForce;
  }

  public long value(Parameter parameter) {
    return inForce.get().get(parameter);
  }

  BlockSizeRule trackingRule() {
    return rule(
        Parameter.TRACKING_BLOCK_MINIMUM_SHIFT,
        Parameter.TRACKING_BLOCK_MAXIMUM_COUNT,
        Parameter.TRACKING_BLOCK_MAXIMUM_SHIFT);
  }

  BlockSizeRule chunkRule() {
    return rule(
        Parameter.CHUNK_MINIMUM_SHIFT,
        Parameter.CHUNK_MAXIMUM_COUNT,
        Parameter.CHUNK_MAXIMUM_SHIFT);
  }

  private BlockSizeRule rule(Parameter minimumShift, Parameter maximumCount, Parameter maximum) {
    Map<Parameter, Long> now = inForce.get();
    return new BlockSizeRule(
        Math.toIntExact(now.get(minimumShift)),
        now.get(maximumCount),
        Math.toIntExact(now.get(maximum)));
  }

  /** Keys and values, for the log. */
  @Override
  public String toString() {
    StringBuilder text = new StringBuilder();
    for (Map.Entry<Parameter, Long> entry : inForce.get().entrySet()) {
      text.append(text.length() == 0 ? "" : ", ")
          .append(entry.getKey().key())
          .append('=')
          .append(entry.getValue());
    }
    return text.toString();
  }
}

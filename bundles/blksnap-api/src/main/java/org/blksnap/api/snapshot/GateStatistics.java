// SPDX-License-Identifier: Apache-2.0
package org.blksnap.api.snapshot;

import java.time.Duration;

/**
 * How long requests were held back; {@link #NONE} where the engine does not tell ({@link
 * Capability#GATE_TIMES}).
 *
 * @param closings how often the gate was closed
 * @param last the last closed time, from the first held request's view: close begun to open
 * @param maximum the longest
 * @param total the sum
 */
public record GateStatistics(long closings, Duration last, Duration maximum, Duration total) {
  /** Of a gate that was never closed. */
  public static final GateStatistics NONE =
      new GateStatistics(0, Duration.ZERO, Duration.ZERO, Duration.ZERO);
}

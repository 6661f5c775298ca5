// SPDX-License-Identifier: Apache-2.0
package org.blksnap.api.snapshot;

/**
 * How long requests were held back.
 *
 * @param closings how often the gate was closed
 * @param lastNanos the last closed time, from the first held request's view: close begun to open
 * @param maximumNanos the longest
 * @param totalNanos the sum
 */
public record GateStatistics(long closings, long lastNanos, long maximumNanos, long totalNanos) {}

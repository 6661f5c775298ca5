// SPDX-License-Identifier: Apache-2.0
package org.blksnap.nbd.internal.session;

import org.blksnap.nbd.internal.protocol.Request;
import org.blksnap.nbd.internal.protocol.Wire;

/**
 * Whether the device under a connection is slow. Used by the connection's reader alone.
 *
 * <p>Quick or slow: {@code excess} is a moving average of the time a request takes beyond what its
 * size explains, compared with {@link #SLOW_NANOS}. Only times of the reader alone count, each up
 * to {@link #OUTLIER_NANOS}: a worker's time is mostly its wait for a processor or for a lock that
 * the kernel has on the file. So a device taken for slow is tried again, ever more rarely, with the
 * workers at rest: a few requests by the reader, and their times say whether it stays.
 */
final class Pace {
  /** Excess time of a request from which on several are worked on at once. */
  static final long SLOW_NANOS = 50_000;

  /** Most that one time adds to the average. */
  static final long OUTLIER_NANOS = 100_000;

  /** Requests of one trial of a slow device. */
  static final int TRIAL_REQUESTS = 8;

  /**
   * Time to the first trial; doubled after each that fails, up to {@link #LONGEST_INTERVAL_NANOS}.
   */
  static final long FIRST_INTERVAL_NANOS = 50_000_000;

  static final long LONGEST_INTERVAL_NANOS = 3_200_000_000L;

  private static final int EXCESS_SHIFT = 3;

  private long excess;
  private boolean slow;
  private long trialAt;
  private long trialInterval = FIRST_INTERVAL_NANOS;

  /** Time a request's size explains, generously: 2 ns a byte. */
  static long sizeNanos(Request request) {
    return request.type() == Wire.CMD_READ || request.type() == Wire.CMD_WRITE
        ? request.length() << 1
        : 0;
  }

  boolean slow() {
    return slow;
  }

  /** It is slow, and time to try it again. */
  boolean trialIsDue() {
    return slow && System.nanoTime() >= trialAt;
  }

  /** A trial begins: it counts as quick until {@link #judge} or {@link #leaveOut}. */
  void tryAgain() {
    slow = false;
  }

  /** The trial had nothing to try; it is slow as before. */
  void leaveOut() {
    slow = true;
  }

  /** The excess of a trial's requests, each. */
  void judge(long sample) {
    excess = Math.min(Math.max(sample, 0), OUTLIER_NANOS);
    slow = excess > SLOW_NANOS;
    trialInterval =
        slow ? Math.min(trialInterval * 2, LONGEST_INTERVAL_NANOS) : FIRST_INTERVAL_NANOS;
    trialAt = System.nanoTime() + trialInterval;
  }

  /** The excess of requests that the reader carried out, each. */
  void observe(long sample) {
    excess += (Math.min(Math.max(sample, 0), OUTLIER_NANOS) - excess) >> EXCESS_SHIFT;
    if (excess > SLOW_NANOS) {
      slow = true;
      trialAt = System.nanoTime() + trialInterval;
    }
  }
}

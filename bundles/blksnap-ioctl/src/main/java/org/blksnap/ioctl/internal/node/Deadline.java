// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.node;

import java.time.Duration;

/** An end of waiting, by the clock that nobody sets. */
record Deadline(long nanos) {
  static Deadline in(Duration wait) {
    return new Deadline(System.nanoTime() + wait.toNanos());
  }

  /** Milliseconds left, rounded up; 0 where it is over. */
  int left() {
    long left = nanos - System.nanoTime();
    return left <= 0 ? 0 : (int) Math.min(Integer.MAX_VALUE, left / 1_000_000 + 1);
  }
}

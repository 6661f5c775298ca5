// SPDX-License-Identifier: Apache-2.0
package org.blksnap.tracker.internal;

/** Who has a {@link Heartbeat}. */
interface Beating {
  /** Writes the time, milliseconds since the epoch, where it outlives this process. */
  void beat(long millis);

  /** Told by the heartbeat that {@link #beat} failed. */
  void beatFailed(Throwable fault);
}

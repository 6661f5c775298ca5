// SPDX-License-Identifier: Apache-2.0
package org.blksnap.chunk.internal;

/**
 * Whether the storage is slow now: its last write that ended was, or the one the leader is in takes
 * long already. Any thread asks.
 */
final class StoreSpeed {
  private final Thread leader;

  /** The last write that ended was slow. */
  private volatile boolean slow;

  /** When the leader's write began, 0 where none is under way. */
  private volatile long leaderWrites;

  StoreSpeed(Thread leader) {
    this.leader = leader;
  }

  /** By a store thread: it begins a write at that time, {@link System#nanoTime}. */
  void begins(long now) {
    if (Thread.currentThread() == leader) {
      leaderWrites = now | 1;
    }
  }

  /** By the same thread: the write that began at that time has ended; true where it was slow. */
  boolean ended(long begun) {
    if (Thread.currentThread() == leader) {
      leaderWrites = 0;
    }
    boolean now = System.nanoTime() - begun > StoreHelpers.SLOW_NANOS;
    slow = now;
    return now;
  }

  /** Of the last write that ended. */
  boolean lastWasSlow() {
    return slow;
  }

  boolean slow() {
    long begun = leaderWrites;
    return slow || (begun != 0 && System.nanoTime() - begun > StoreHelpers.SLOW_NANOS);
  }
}

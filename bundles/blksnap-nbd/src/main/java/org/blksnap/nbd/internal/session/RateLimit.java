// SPDX-License-Identifier: Apache-2.0
package org.blksnap.nbd.internal.session;

import java.util.concurrent.atomic.AtomicLong;

/** Lets one message through an interval, and counts what it kept back. */
public final class RateLimit {
  private final long intervalNanos;
  private final AtomicLong next;
  private final AtomicLong kept = new AtomicLong();

  public RateLimit(long intervalSeconds) {
    this.intervalNanos = intervalSeconds * 1_000_000_000L;
    this.next = new AtomicLong(System.nanoTime());
  }

  /** -1 where the message is to be kept back, else how many were before it. */
  public long pass() {
    long now = System.nanoTime();
    long due = next.get();
    if (now - due >= 0 && next.compareAndSet(due, now + intervalNanos)) {
      return kept.getAndSet(0);
    }
    kept.incrementAndGet();
    return -1;
  }
}

// SPDX-License-Identifier: Apache-2.0
package org.blksnap.chunk.internal;

import java.util.concurrent.atomic.AtomicLong;
import org.blksnap.api.block.BlksnapException;

/**
 * What is known of a storage that has no room. That alone corrupts nothing: chunks stay in their
 * slots, the store worker asks again, and storage that is given meanwhile is used. Only where a
 * live write needs a slot, none is free and none can be stored, the area is over: that is told by
 * {@link #fruitless}, the rounds of the worker in which there was no room, no slot became free or
 * was added, and no other thread was storing one.
 */
final class RoomLack {
  /** Between two looks for room while somebody waits for it. */
  static final long RETRY_NANOS = 50_000_000;

  /** Rounds without fruit after which a waiting write knows that it waits in vain. */
  static final int ROUNDS = 2;

  private final AtomicLong fruitless = new AtomicLong();
  private volatile BlksnapException why;

  /** Null while there is room, as far as is known. */
  BlksnapException why() {
    return why;
  }

  void refused(BlksnapException noRoom) {
    why = noRoom;
  }

  void granted() {
    if (why != null) {
      why = null;
    }
  }

  long fruitless() {
    return fruitless.get();
  }

  void fruitlessRound() {
    fruitless.incrementAndGet();
  }
}

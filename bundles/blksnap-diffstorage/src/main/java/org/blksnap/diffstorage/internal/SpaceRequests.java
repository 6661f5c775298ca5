// SPDX-License-Identifier: Apache-2.0
package org.blksnap.diffstorage.internal;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.ByteRange;
import org.blksnap.spi.storage.StorageRequest;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a pool asks for, and makes by itself.
 *
 * <p>How much can still be needed at most ({@link #expect}) bounds both: a small device gets a
 * small file. An allocation is served beyond it, as long as there is room.
 *
 * <p>A pool with directories answers its own requests: a thread of its own makes the next file when
 * the low-space mark is reached ({@link LowSpaceRule}), so that an allocation waits for a file only
 * where the thread was outrun. It asks the user once the directories are at their limits or their
 * file system is full.
 *
 * <p>{@code …Locked} methods are called with the pool's lock held, which the thread takes too; the
 * others by any thread.
 */
final class SpaceRequests implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(SpaceRequests.class);

  private final StorageRequest request;
  private final StateFile state;
  private final PoolContents contents;
  private final ReentrantLock lock;
  private final BooleanSupplier closed;
  private final Grower grower;
  private volatile LongSupplier expected = () -> 0;

  /** Bytes of the largest chunk so far; the end of a part where none fits is lost. */
  private volatile int largestChunk;

  /** {@code lock} and {@code closed} are the pool's. */
  SpaceRequests(
      StorageRequest request,
      StateFile state,
      PoolContents contents,
      ReentrantLock lock,
      BooleanSupplier closed) {
    this.request = request;
    this.state = state;
    this.contents = contents;
    this.lock = lock;
    this.closed = closed;
    this.grower = new Grower(request.snapshot());
  }

  /** Bytes that can still be needed at most, asked each time; 0 is not known. */
  void expect(LongSupplier atMost) {
    expected = atMost;
  }

  /** A chunk of that size is allocated. */
  void wanted(int bytes) {
    if (bytes > largestChunk) {
      largestChunk = bytes;
    }
  }

  /** True where it is time to ask, as far as can be told without the lock. */
  boolean due() {
    return LowSpaceRule.asks(
            state.requested(),
            sectors(state.filled()),
            sectors(contents.table().capacity()),
            request.minimumSectors().getAsLong())
        && portionSectors() > 0;
  }

  void askLocked() {
    if (closed.getAsBoolean() || !due()) {
      return;
    }
    long portion = portionSectors();
    state.requested(state.requested() + portion);
    if (contents.canGrow()) {
      grower.wish(this::answerOwnRequest);
    } else {
      offer(portion);
    }
  }

  /** Says so again, whatever was asked before: a write may be waiting for it. */
  void askOverflownLocked() {
    if (missing() <= 0) {
      state.requested(sectors(contents.table().capacity()) + request.minimumSectors().getAsLong());
    }
    offer(missing());
  }

  private void answerOwnRequest() {
    lock.lock();
    try {
      List<BlksnapException> failures = new ArrayList<>();
      boolean grown = true;
      while (grown && missing() > 0 && !closed.getAsBoolean()) {
        long portion = portionBytes();
        grown = portion > 0 && contents.grow(portion, 0, failures);
        LOG.debug("difference storage of snapshot {}: grown {}", request.snapshot(), grown);
      }
      for (BlksnapException failure : failures) {
        LOG.warn("difference storage of snapshot {}: {}", request.snapshot(), failure.toString());
      }
      if (missing() > 0 && !closed.getAsBoolean()) {
        offer(request.minimumSectors().getAsLong());
      }
    } finally {
      lock.unlock();
    }
  }

  /** Sectors that were asked for and have not come. */
  private long missing() {
    return state.requested() - sectors(contents.table().capacity());
  }

  /** Asks anew for what is missing: for a pool whose requests were lost with their receiver. */
  void remind() {
    if (missing() > 0) {
      offer(missing());
    }
  }

  /** Asks for the first portion. */
  void greet() {
    offer(state.requested());
  }

  private void offer(long sectors) {
    request.asks().accept(bytes(sectors));
  }

  long portionBytes() {
    return bytes(portionSectors());
  }

  /** What is asked for or made at a time: the minimum, but not more than can still be needed. */
  long portionSectors() {
    long minimum = request.minimumSectors().getAsLong();
    long bytes = expected.getAsLong();
    if (bytes <= 0) {
      return minimum;
    }
    int chunk = Math.max(largestChunk, ByteRange.SECTOR);
    long still = bytes + contents.lostTo(chunk) - contents.table().capacity();
    return Math.max(0, Math.min(minimum, sectors((still + chunk - 1) / chunk * chunk)));
  }

  static long sectors(long bytes) {
    return bytes / ByteRange.SECTOR;
  }

  static long bytes(long sectors) {
    return Math.multiplyExact(sectors, ByteRange.SECTOR);
  }

  /** Waits for a file being made, and makes no more; without the lock. */
  @Override
  public void close() {
    grower.close();
  }
}

// SPDX-License-Identifier: Apache-2.0
package org.blksnap.nbd.internal;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Deque;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;

/**
 * Direct buffers, shared by all connections, and the bound on how many bytes are in flight.
 *
 * <p>Sizes are powers of two from {@link #SMALLEST}. {@code lent} never exceeds {@code limit}: who
 * comes too late waits up to {@link #WAIT_MILLIS}, during which its connection reads nothing more,
 * and then gets ENOMEM. Idle buffers are kept up to {@link #KEEP_BYTES}; the rest is left to the
 * collector. Used once a connection and once a large or deferred request, never for a small inline
 * one.
 */
final class BufferPool {
  static final int SMALLEST = 4096;
  static final long KEEP_BYTES = 64L << 20;
  static final long WAIT_MILLIS = 10_000;
  private static final int CLASSES = 32;

  private final long limit;
  private final Object lock = new Object();

  @GuardedBy("lock")
  private final Deque<ByteBuffer>[] idle;

  @GuardedBy("lock")
  private long lent;

  @GuardedBy("lock")
  private long kept;

  BufferPool(long limit) {
    this.limit = limit;
    this.idle = classes();
  }

  @SuppressWarnings({"unchecked", "rawtypes"})
  private static Deque<ByteBuffer>[] classes() {
    Deque<ByteBuffer>[] classes = new Deque[CLASSES];
    for (int i = 0; i < CLASSES; i++) {
      classes[i] = new ArrayDeque<>();
    }
    return classes;
  }

  /** A cleared buffer of at least this capacity. ENOMEM where none became free in time. */
  ByteBuffer take(int bytes) throws BlksnapException {
    int size = rounded(bytes);
    if (size > limit) {
      throw new BlksnapException(
          Errno.ENOMEM, "buffer of " + bytes + " bytes refused: at most " + limit + " in all");
    }
    synchronized (lock) {
      long deadline = System.nanoTime() + WAIT_MILLIS * 1_000_000;
      while (lent + size > limit) {
        awaitRoomLocked(bytes, deadline);
      }
      lent += size;
      ByteBuffer buffer = idle[index(size)].pollLast();
      if (buffer != null) {
        kept -= size;
        return buffer.clear();
      }
    }
    try {
      return ByteBuffer.allocateDirect(size);
    } catch (OutOfMemoryError e) {
      synchronized (lock) {
        lent -= size;
        lock.notifyAll();
      }
      throw new BlksnapException(Errno.ENOMEM, "no direct memory for " + bytes + " bytes", e);
    }
  }

  @GuardedBy("lock")
  private void awaitRoomLocked(int bytes, long deadline) throws BlksnapException {
    long millis = (deadline - System.nanoTime()) / 1_000_000;
    try {
      if (millis > 0) {
        lock.wait(millis);
        return;
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    throw new BlksnapException(
        Errno.ENOMEM,
        "buffer of " + bytes + " bytes refused: " + lent + " of " + limit + " are in flight");
  }

  /** Gives a buffer back; it must have come from {@link #take}. */
  void give(ByteBuffer buffer) {
    synchronized (lock) {
      int size = buffer.capacity();
      lent -= size;
      if (kept + size <= KEEP_BYTES) {
        kept += size;
        idle[index(size)].addLast(buffer);
      }
      lock.notifyAll();
    }
  }

  /** Bytes lent out now. */
  long lent() {
    synchronized (lock) {
      return lent;
    }
  }

  private static int rounded(int bytes) {
    int floor = Math.max(bytes, SMALLEST);
    int top = Integer.highestOneBit(floor);
    return top == floor ? floor : Math.multiplyExact(top, 2);
  }

  private static int index(int size) {
    return Integer.numberOfTrailingZeros(size);
  }
}

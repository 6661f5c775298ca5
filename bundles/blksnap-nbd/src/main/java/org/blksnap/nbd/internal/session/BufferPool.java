// SPDX-License-Identifier: Apache-2.0
package org.blksnap.nbd.internal.session;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.nbd.internal.protocol.Wire;

/**
 * Direct buffers, shared by all connections, and the bound on how many bytes they hold.
 *
 * <p>The bound is a share of the JVM's direct memory ({@link #ofDirectMemory}). One half of it is
 * for the two <em>standing</em> buffers that a connection has from its beginning to its end; they
 * are as large as the allowed number of connections lets them be. With them alone it can carry out
 * every request. The other half is <em>borrowed</em>, for requests carried out beside others: one
 * connection may hold as much of it as is still free. So one that gives nothing back holds at most
 * a half, N of them leave an (N+1)th part free, and whoever comes next finds room.
 *
 * <p>Nobody waits here. Who gets nothing works with its standing buffers, one request at a time.
 * Sizes are powers of two from {@link #SMALLEST}. Idle buffers are kept up to a quarter of the
 * bound, at most {@link #KEEP_BYTES}; the rest is left to the collector. Used once a connection and
 * once a large or deferred request, never for a small inline one.
 */
public final class BufferPool {
  static final int SMALLEST = 4096;

  /** Most that any server holds, however large the JVM. */
  static final long MOST_BYTES = 512L << 20;

  /** The server's part of the JVM's direct memory is one of so many. */
  static final int PARTS_OF_DIRECT_MEMORY = 2;

  static final long KEEP_BYTES = 64L << 20;

  /** Smallest standing buffer: holds any option of a handshake, and any block status. */
  public static final int SMALLEST_STANDING = Wire.MAXIMUM_OPTION;

  /**
   * Largest standing buffer: the largest write carried out in one piece and its header, and the
   * largest data chunk of a split read.
   */
  public static final int LARGEST_STANDING = 512 << 10;

  private static final int CLASSES = 32;

  private final long standingLimit;
  private final long borrowedLimit;
  private final long keepLimit;
  private final Object lock = new Object();

  @GuardedBy("lock")
  private final Deque<ByteBuffer>[] idle;

  @GuardedBy("lock")
  private long standing;

  @GuardedBy("lock")
  private long borrowed;

  @GuardedBy("lock")
  private long kept;

  public BufferPool(long limit) {
    this.standingLimit = limit / 2;
    this.borrowedLimit = limit - standingLimit;
    this.keepLimit = Math.min(KEEP_BYTES, limit / 4);
    this.idle = classes();
  }

  /** Bytes a server may hold in this JVM. */
  public static long ofDirectMemory() {
    return Math.min(MOST_BYTES, DirectMemory.limit() / PARTS_OF_DIRECT_MEMORY);
  }

  @SuppressWarnings({"unchecked", "rawtypes"})
  private static Deque<ByteBuffer>[] classes() {
    Deque<ByteBuffer>[] classes = new Deque[CLASSES];
    for (int i = 0; i < CLASSES; i++) {
      classes[i] = new ArrayDeque<>();
    }
    return classes;
  }

  /** Bytes of one standing buffer where so many connections are allowed. */
  public int standingBytes(int connections) {
    long each = standingLimit / connections / 2;
    return (int) Math.max(SMALLEST_STANDING, Math.min(Long.highestOneBit(each), LARGEST_STANDING));
  }

  /** How many connections with two standing buffers of this size there is room for, in all. */
  public long roomInAll(int standingBytes) {
    return standingLimit / (2L * standingBytes);
  }

  /** How many more of them there is room for now. */
  public long room(int standingBytes) {
    synchronized (lock) {
      return (standingLimit - standing) / (2L * standingBytes);
    }
  }

  Account open() {
    return new Account();
  }

  /** What one connection holds. Standing buffers are its reader's; any of its threads borrows. */
  final class Account implements AutoCloseable {
    private final List<ByteBuffer> own = new ArrayList<>();
    private long besides;

    @GuardedBy("BufferPool.this.lock")
    private long mine;

    private Account() {}

    /** A cleared buffer of at least this capacity, until {@link #close}. ENOMEM without room. */
    ByteBuffer stand(int bytes) throws BlksnapException {
      int size = rounded(bytes);
      count(size, bytes);
      ByteBuffer buffer = null;
      try {
        buffer = idleOrNew(size);
      } finally {
        if (buffer == null) {
          besides += size;
        }
      }
      if (buffer == null) {
        throw new BlksnapException(
            Errno.ENOMEM, "no direct memory for a connection's buffer of " + bytes + " bytes");
      }
      own.add(buffer);
      return buffer;
    }

    /** Counts bytes that the connection holds otherwise, until {@link #close}. */
    void count(long bytes) throws BlksnapException {
      count(bytes, bytes);
      besides += bytes;
    }

    private void count(long size, long asked) throws BlksnapException {
      synchronized (lock) {
        if (standing + size > standingLimit) {
          throw new BlksnapException(
              Errno.ENOMEM,
              "connection refused: "
                  + asked
                  + " bytes for its buffers, "
                  + standing
                  + " of "
                  + standingLimit
                  + " are in use; end other clients or give the JVM more memory (-Xmx,"
                  + " -XX:MaxDirectMemorySize)");
        }
        standing += size;
      }
    }

    /** A cleared buffer of at least this capacity, or null where this connection gets no more. */
    ByteBuffer borrow(int bytes) {
      int size = rounded(bytes);
      synchronized (lock) {
        if (mine + size > borrowedLimit - borrowed) {
          return null;
        }
        mine += size;
        borrowed += size;
      }
      ByteBuffer buffer = null;
      try {
        buffer = idleOrNew(size);
      } finally {
        if (buffer == null) {
          giveBack(size);
        }
      }
      return buffer;
    }

    /** Gives a buffer back; it must have come from {@link #borrow}. */
    void give(ByteBuffer buffer) {
      giveBack(buffer.capacity());
      keep(buffer);
    }

    private void giveBack(int size) {
      synchronized (lock) {
        mine -= size;
        borrowed -= size;
      }
    }

    /** Gives the standing buffers back. Idempotent. */
    @Override
    public void close() {
      long size = besides + own.stream().mapToLong(ByteBuffer::capacity).sum();
      own.forEach(BufferPool.this::keep);
      own.clear();
      besides = 0;
      synchronized (lock) {
        standing -= size;
      }
    }
  }

  /** Null where the JVM has no direct memory left. */
  private ByteBuffer idleOrNew(int size) {
    synchronized (lock) {
      ByteBuffer buffer = idle[index(size)].pollLast();
      if (buffer != null) {
        kept -= size;
        return buffer.clear();
      }
    }
    try {
      return ByteBuffer.allocateDirect(size);
    } catch (OutOfMemoryError e) {
      return null;
    }
  }

  private void keep(ByteBuffer buffer) {
    int size = buffer.capacity();
    synchronized (lock) {
      if (kept + size <= keepLimit) {
        kept += size;
        idle[index(size)].addLast(buffer);
      }
    }
  }

  /** Bytes lent out now. */
  public long lent() {
    synchronized (lock) {
      return standing + borrowed;
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

// SPDX-License-Identifier: Apache-2.0
package org.blksnap.nbd.internal.export;

import java.util.concurrent.atomic.AtomicLong;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;

/**
 * The bound on the memory that selected change contexts hold, over all connections together: a
 * share of the heap.
 *
 * <p>One connection may hold as much as is still free, so that whoever comes next finds room; see
 * {@code BufferPool}.
 *
 * <p>Each connection has a {@link Share}, counted up when a context is selected and back to nothing
 * when the client selects anew or leaves. Contexts are not shared between connections: equal points
 * may have unequal answers, because blocks can be marked between two takes.
 */
public final class ContextBudget {
  /** Most that any server holds: room for 512 contexts of 2,097,152 blocks. */
  static final long MOST_BYTES = 128L << 20;

  /** The server's part of the heap is one of so many. */
  static final int PARTS_OF_HEAP = 8;

  private final long limit;
  private final AtomicLong held = new AtomicLong();

  public ContextBudget(long limit) {
    this.limit = limit;
  }

  /** Bytes a server may hold in this JVM. */
  public static long ofHeap() {
    return Math.min(MOST_BYTES, Runtime.getRuntime().maxMemory() / PARTS_OF_HEAP);
  }

  /** Bytes held now. */
  public long held() {
    return held.get();
  }

  public Share share() {
    return new Share();
  }

  /** What one connection holds. Used by its thread alone. */
  public final class Share implements AutoCloseable {
    private long mine;

    private Share() {}

    /** ENOMEM where this connection would hold more than is free; then nothing is counted. */
    void grow(long bytes) throws BlksnapException {
      long before = held.getAndAdd(bytes);
      if (mine + bytes > limit - before) {
        held.addAndGet(-bytes);
        throw new BlksnapException(
            Errno.ENOMEM,
            "change context of "
                + bytes
                + " bytes refused: "
                + before
                + " of "
                + limit
                + " bytes are held by all clients, "
                + mine
                + " by this one, which may have as much as is free; select fewer contexts, end other"
                + " clients or give the JVM more memory (-Xmx)");
      }
      mine += bytes;
    }

    /** Counts what a predecessor allowed already, even beyond the bound. */
    public void adopt(long bytes) {
      held.addAndGet(bytes);
      mine += bytes;
    }

    /** Gives everything back. Idempotent. */
    @Override
    public void close() {
      held.addAndGet(-mine);
      mine = 0;
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
package org.blksnap.nbd.internal;

import java.util.concurrent.atomic.AtomicLong;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;

/**
 * The bound on the memory that selected change contexts hold, over all connections together.
 *
 * <p>Each connection has a {@link Share}, counted up when a context is selected and back to nothing
 * when the client selects anew or leaves. Contexts are not shared between connections: equal points
 * may have unequal answers, because blocks can be marked between two takes.
 */
final class ContextBudget {
  /** Room for 512 contexts of 2,097,152 blocks. */
  static final long BYTES = 128L << 20;

  private final long limit;
  private final AtomicLong held = new AtomicLong();

  ContextBudget(long limit) {
    this.limit = limit;
  }

  /** Bytes held now. */
  long held() {
    return held.get();
  }

  Share share() {
    return new Share();
  }

  /** What one connection holds. Used by its thread alone. */
  final class Share implements AutoCloseable {
    private long mine;

    private Share() {}

    /** ENOMEM where all connections together would hold too much; then nothing is counted. */
    void grow(long bytes) throws BlksnapException {
      long before = held.getAndAdd(bytes);
      if (before + bytes > limit) {
        held.addAndGet(-bytes);
        throw new BlksnapException(
            Errno.ENOMEM,
            "change context of "
                + bytes
                + " bytes refused: "
                + before
                + " of "
                + limit
                + " bytes are held by all clients; select fewer contexts or end other clients");
      }
      mine += bytes;
    }

    /** Counts what a predecessor allowed already, even beyond the bound. */
    void adopt(long bytes) {
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

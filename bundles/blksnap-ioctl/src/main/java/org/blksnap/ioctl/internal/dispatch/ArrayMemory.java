// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.dispatch;

import java.util.concurrent.Semaphore;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;

/** The memory that the arrays of all calls under way may take together. Nobody waits for it. */
final class ArrayMemory {
  /** Bytes: four arrays of as many ranges as one call may give. */
  static final int MOST = 64 << 20;

  private final Semaphore free;

  ArrayMemory() {
    this(MOST);
  }

  ArrayMemory(int bytes) {
    free = new Semaphore(bytes);
  }

  Lease lease() {
    return new Lease();
  }

  /** Bytes nobody has. */
  int free() {
    return free.availablePermits();
  }

  /** What one call has. Thread rule: that call's thread. */
  final class Lease implements AutoCloseable {
    private int held;

    private Lease() {}

    /** ENOMEM where others have it all. */
    void more(int bytes) throws BlksnapException {
      if (!free.tryAcquire(bytes)) {
        throw new BlksnapException(
            Errno.ENOMEM,
            "array of ranges refused: the calls under way hold "
                + (MOST >> 20)
                + " MiB, which is the most; call again, or with fewer ranges");
      }
      held += bytes;
    }

    @Override
    public void close() {
      free.release(held);
      held = 0;
    }
  }
}

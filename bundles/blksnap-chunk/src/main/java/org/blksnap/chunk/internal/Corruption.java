// SPDX-License-Identifier: Apache-2.0
package org.blksnap.chunk.internal;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.util.concurrent.TimeUnit;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.spi.chunk.CorruptionSink;

/**
 * The first error of a diff area; later ones are ignored. It is in the file before anybody sees it
 * here, so before any live write passes because of it: a process killed at any moment finds the
 * area corrupted again, never silently wrong. Once {@link #seal sealed} it writes nothing more.
 */
final class Corruption {
  private final String device;
  private final ChunkMap map;
  private final AreaState state;
  private final CorruptionSink sink;

  @GuardedBy("this")
  private String detail;

  @GuardedBy("this")
  private boolean sealed;

  private volatile Errno error;

  Corruption(String device, ChunkMap map, AreaState state, CorruptionSink sink) {
    this.device = device;
    this.state = state;
    this.map = map;
    this.sink = sink;
    this.error = map.error();
    this.detail = error == Errno.OK ? "" : map.detail();
  }

  boolean happened() {
    return error != Errno.OK;
  }

  Errno error() {
    return error;
  }

  synchronized String detail() {
    return detail;
  }

  /** True for the one call that was the first. */
  boolean corrupt(Errno cause, String what) {
    Errno kept = cause == Errno.OK ? Errno.EIO : cause;
    synchronized (this) {
      if (error != Errno.OK) {
        return false;
      }
      detail = what;
      persist(kept, what);
      error = kept;
    }
    state.wake();
    sink.corrupted(kept, what);
    return true;
  }

  void corrupt(String what, Throwable failure) {
    corrupt(BlksnapException.errnoOf(failure), what + ": " + failure);
  }

  void stalled(String who, long nanos) {
    corrupt(
        Errno.EIO,
        "the difference storage stalled: "
            + who
            + ", and it stored nothing for "
            + TimeUnit.NANOSECONDS.toMillis(nanos)
            + " ms");
  }

  /** EIO once corrupted. */
  void check() throws BlksnapException {
    if (error != Errno.OK) {
      throw new BlksnapException(
          Errno.EIO,
          "image of "
              + device
              + " refused: it is corrupted ("
              + error
              + "), "
              + detail()
              + "; destroy the snapshot and take a new one");
    }
  }

  /**
   * The area is closed: from now on the file is its successor's. A thread that comes back late, out
   * of a storage that hung, finds no way to write into it.
   */
  synchronized void seal() {
    sealed = true;
  }

  @GuardedBy("this")
  private void persist(Errno cause, String what) {
    if (sealed) {
      return;
    }
    try {
      map.error(cause, what);
    } catch (InternalError unreachable) {
      detail = what + " (and " + ChunkMap.FILE + " can not be written: " + unreachable + ")";
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal.control;

import java.util.Arrays;
import java.util.concurrent.locks.Condition;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.snapshot.AttachRequest;

/**
 * Whether calls are answered yet, and still. Under the engine's control lock, which guards the
 * fields.
 *
 * <pre>
 * not complete ──all rooms were there, all is restored──► open ──► closed
 *       └──────────────────────────────────────────────────────────►┘
 * </pre>
 *
 * <p>A room that goes away later does not close it: it is being swapped.
 */
public final class Readiness {
  private final Desk desk;

  /** A room's provider has come, or the engine goes. */
  private final Condition roomCame;

  private boolean open;
  private boolean closed;

  public Readiness(Desk desk) {
    this.desk = desk;
    this.roomCame = desk.control().newCondition();
  }

  public void roomCame() {
    roomCame.signalAll();
  }

  /** All there was is restored. */
  public void open() {
    desk.assertControlled();
    open = true;
  }

  public boolean isOpen() {
    desk.assertControlled();
    return open;
  }

  public boolean isClosed() {
    desk.assertControlled();
    return closed;
  }

  public void close() {
    desk.assertControlled();
    closed = true;
    roomCame.signalAll();
  }

  /** ESHUTDOWN. */
  public void check() throws BlksnapException {
    desk.assertControlled();
    if (closed || !open) {
      throw new BlksnapException(
          Errno.ESHUTDOWN,
          "the userspace engine is "
              + (closed ? "shut down" : "not complete yet: a bundle is missing"));
    }
  }

  /**
   * A device attached while a room is away would lose its image for good, for its saved chunks
   * could not be had. So it waits as long as I/O would wait for the successor. EAGAIN: none came.
   */
  public void awaitRooms(AttachRequest request) throws BlksnapException {
    check();
    Providers providers = desk.providers();
    long left = desk.settings().handoverTimeout().toNanos();
    while (!providers.complete()) {
      Room away =
          Arrays.stream(Room.values()).filter(r -> providers.get(r) == null).findFirst().get();
      if (left <= 0) {
        throw new BlksnapException(
            Errno.EAGAIN,
            "device "
                + request.path()
                + " was not attached: the bundle "
                + away.bundle()
                + " is away; start it with bundle:start "
                + away.bundle()
                + ", then attach the device again");
      }
      try {
        left = roomCame.awaitNanos(left);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new BlksnapException(
            Errno.EINTR,
            "device "
                + request.path()
                + " was not attached: interrupted while waiting for "
                + away.bundle(),
            e);
      }
      check();
    }
  }
}

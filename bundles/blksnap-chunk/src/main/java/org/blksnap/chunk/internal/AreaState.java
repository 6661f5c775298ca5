// SPDX-License-Identifier: Apache-2.0
package org.blksnap.chunk.internal;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * The one state of a diff area; whatever ends it ends every wait in it at once.
 *
 * <pre>
 *  open ──retire──▶ retiring ──abandon──▶ gone
 *    └─────────────abandon─────────────────▲
 * </pre>
 *
 * <ul>
 *   <li><b>open</b>: pages are saved and stored.
 *   <li><b>retiring</b>: nothing is saved or stored any more, and the files wait for a successor. A
 *       live write that would have to save is sent away: it leaves its gate and comes again, to the
 *       successor. Nothing passes unsaved, so nothing is lost.
 *   <li><b>gone</b>: the snapshot is destroyed. Live writes pass, image access fails.
 * </ul>
 *
 * <p>A corrupted area is in one of these three besides; its corruption ends waits the same way.
 * Whoever waits registers a wake-up with {@link #whenItEnds} before the area is used, and looks at
 * this state after each wake-up.
 */
final class AreaState {
  private enum Phase {
    OPEN,
    RETIRING,
    GONE
  }

  private final List<Runnable> wakeUps = new CopyOnWriteArrayList<>();
  private volatile Phase phase = Phase.OPEN;

  boolean open() {
    return phase == Phase.OPEN;
  }

  boolean gone() {
    return phase == Phase.GONE;
  }

  void whenItEnds(Runnable wakeUp) {
    wakeUps.add(wakeUp);
  }

  void retire() {
    to(Phase.RETIRING);
  }

  void abandon() {
    to(Phase.GONE);
  }

  private void to(Phase next) {
    synchronized (this) {
      if (next.compareTo(phase) <= 0) {
        return;
      }
      phase = next;
    }
    wake();
  }

  /** Wakes all who wait: also called where the area was corrupted. */
  void wake() {
    wakeUps.forEach(Runnable::run);
  }
}

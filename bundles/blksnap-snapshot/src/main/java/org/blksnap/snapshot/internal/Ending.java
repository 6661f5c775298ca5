// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal;

import java.io.IOException;
import org.blksnap.snapshot.internal.control.Desk;
import org.blksnap.snapshot.internal.control.Readiness;
import org.blksnap.snapshot.internal.swap.Departure;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The end of an engine, once: no new calls, then everything is left as whoever comes next has to
 * find it, and the state directory is let go of. Under the control lock.
 */
final class Ending {
  private static final Logger LOG = LoggerFactory.getLogger(Ending.class);

  private final Desk desk;
  private final Readiness readiness;
  private final Departure departure;

  Ending(Desk desk, Readiness readiness, Departure departure) {
    this.desk = desk;
    this.readiness = readiness;
    this.departure = departure;
  }

  /** Before {@link #toSuccessor}, while requests go on: what can be flushed is flushed. */
  void prepare() {
    departure.prepare();
  }

  /** Everything is forced to disk. */
  void forGood() {
    go(false);
  }

  /** A successor comes in a moment, while clients wait. */
  void toSuccessor() {
    go(true);
  }

  private void go(boolean successorFollows) {
    desk.control().lock();
    try {
      if (readiness.isClosed()) {
        return;
      }
      readiness.close();
      desk.housekeeper().close();
      if (!readiness.isOpen()) {
        return;
      }
      if (successorFollows) {
        departure.toSuccessor();
      } else {
        departure.forGood();
        desk.settleMaps(true);
        desk.hot().close();
      }
    } finally {
      desk.guardian().close();
      releaseState();
      desk.control().unlock();
    }
  }

  private void releaseState() {
    try {
      desk.state().close();
    } catch (IOException e) {
      LOG.warn("the state directory's lock was not released: {}", e.toString());
    }
  }
}

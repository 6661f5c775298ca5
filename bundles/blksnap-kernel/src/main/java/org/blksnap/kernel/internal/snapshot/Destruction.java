// SPDX-License-Identifier: Apache-2.0
package org.blksnap.kernel.internal.snapshot;

import java.time.Instant;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.event.BlksnapEvent;
import org.blksnap.api.snapshot.SnapshotState;
import org.blksnap.kernel.internal.device.LiveDevice;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The end of a snapshot: first the kernel lets go of it, then its storage goes, then its records. A
 * kill in between leaves records of a snapshot that the kernel does not have, and the next start
 * goes on from there.
 */
public final class Destruction {
  private static final Logger LOG = LoggerFactory.getLogger(Destruction.class);

  private final Desk desk;
  private final SnapshotBook book;
  private final Leftovers leftovers;

  public Destruction(Desk desk, SnapshotBook book, Leftovers leftovers) {
    this.desk = desk;
    this.book = book;
    this.leftovers = leftovers;
  }

  /** Nothing to do where it was destroyed before. */
  void destroy(HeldSnapshot snapshot) throws BlksnapException {
    desk.control().lock();
    try {
      if (snapshot.state() == SnapshotState.DESTROYED) {
        return;
      }
      desk.checkRunning();
      snapshot.destroyed(true);
      boolean done = false;
      try {
        snapshot.images().values().forEach(image -> image.destroyed(true));
        inKernel(snapshot);
        done = true;
      } finally {
        if (!done) {
          snapshot.destroyed(false);
          snapshot.images().values().forEach(image -> image.destroyed(false));
        }
      }
      clear(snapshot);
    } finally {
      desk.control().unlock();
    }
  }

  private void inKernel(HeldSnapshot snapshot) throws BlksnapException {
    try {
      desk.module().tell(m -> m.destroy(snapshot.id()));
    } catch (BlksnapException e) {
      if (e.errno() != Errno.ENODEV && e.errno() != Errno.ESRCH) {
        throw e;
      }
      LOG.info("snapshot {} was gone from the kernel already", snapshot.id());
    }
  }

  /** Another program has destroyed it in the kernel. */
  void gone(HeldSnapshot snapshot) {
    if (snapshot.state() == SnapshotState.DESTROYED || desk.module().hasEnded()) {
      return;
    }
    desk.control().lock();
    try {
      if (snapshot.state() == SnapshotState.DESTROYED || desk.module().hasEnded()) {
        return;
      }
      LOG.warn("snapshot {} was destroyed by another program", snapshot.id());
      snapshot.destroyed(true);
      snapshot.images().values().forEach(image -> image.destroyed(true));
      clear(snapshot);
    } finally {
      desk.control().unlock();
    }
  }

  private void clear(HeldSnapshot snapshot) {
    snapshot.deafen();
    snapshot.unlinkAll();
    for (LiveDevice device : desk.devices().present(snapshot.deviceNames())) {
      device.belongTo(null);
    }
    book.forget(snapshot.id());
    leftovers.release(snapshot.storage(), snapshot.directory());
    desk.events()
        .offer(new BlksnapEvent.Destroyed(Instant.now(), desk.events().engine(), snapshot.id()));
    desk.events().close(snapshot.id());
  }
}

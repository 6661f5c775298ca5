// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal.data;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.function.Supplier;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.ByteRange;
import org.blksnap.api.block.Errno;
import org.blksnap.api.change.CbtInfo;
import org.blksnap.api.change.ChangeMap;
import org.blksnap.api.change.ChangePoint;
import org.blksnap.api.change.ChangeSet;
import org.blksnap.spi.tracker.Tracker;

/**
 * A device's change map for users: the same object across swaps of the tracker bundle. Queries
 * never hold a take back.
 */
final class TrackedChanges implements ChangeMap {
  private final String device;
  private final Supplier<Tracker> present;
  private final Gate gate;

  /** {@code present} answers null while the tracker bundle is away. */
  TrackedChanges(String device, Supplier<Tracker> present, Gate gate) {
    this.device = device;
    this.present = present;
    this.gate = gate;
  }

  /**
   * Passing the gate once waits out a swap; the tracker got then answers even if it is handed over
   * meanwhile.
   */
  private Tracker tracker() throws BlksnapException {
    Tracker now = present.get();
    if (now != null) {
      return now;
    }
    gate.exit(gate.enter(false));
    now = present.get();
    if (now == null) {
      throw new BlksnapException(
          Errno.EFAULT,
          "device "
              + device
              + " is not tracked: the tracker bundle is away; start it (bundle:list), the next backup is a full one");
    }
    return now;
  }

  @Override
  public CbtInfo info() throws IOException {
    return tracker().info();
  }

  @Override
  public int read(long index, ByteBuffer dst) throws IOException {
    return tracker().read(index, dst);
  }

  @Override
  public void markDirty(List<ByteRange> ranges) throws IOException {
    tracker();
    int ticket = gate.enter(false);
    try {
      tracker().markDirty(ranges);
    } finally {
      gate.exit(ticket);
    }
  }

  @Override
  public ChangeSet changedSince(ChangePoint since) throws IOException {
    return ChangeSet.of(this, info(), since);
  }
}

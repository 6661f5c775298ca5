// SPDX-License-Identifier: Apache-2.0
package org.blksnap.node.internal;

import java.util.Optional;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.spi.node.NodeHost;

/**
 * Keeps this process from waiting for the very pages it is to store: its serving threads are known
 * to the kernel as such, and its memory stays in memory once there is a node.
 *
 * <p>Both are tried once where they fail for lack of rights, which do not come later.
 */
final class ThreadCare {
  private volatile BlksnapException notMarked;
  private volatile BlksnapException notLocked;
  private volatile boolean marked;
  private volatile boolean locked;

  /** In the thread that serves. */
  void mark(NodeHost host) {
    if (notMarked != null) {
      return;
    }
    try {
      host.markServing();
      marked = true;
    } catch (BlksnapException refused) {
      notMarked = refused;
    }
  }

  synchronized void lock(NodeHost host) {
    if (locked || notLocked != null) {
      return;
    }
    try {
      host.lockMemory();
      locked = true;
    } catch (BlksnapException refused) {
      notLocked = refused;
    }
  }

  boolean marked() {
    return marked;
  }

  Optional<BlksnapException> notMarked() {
    return Optional.ofNullable(notMarked);
  }

  Optional<BlksnapException> notLocked() {
    return Optional.ofNullable(notLocked);
  }
}

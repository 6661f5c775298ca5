// SPDX-License-Identifier: Apache-2.0
package org.blksnap.kernel.internal.storage;

import org.blksnap.kernel.internal.record.StoragePart;
import org.blksnap.spi.host.HostFile;

/**
 * Something that the kernel stores in, or may, and what keeps it in place: its claim, and a
 * descriptor. An open file keeps its file system mounted, a device open exclusively cannot be
 * mounted or formatted. Guarded by whoever has it.
 */
final class Lent {
  final StoragePart part;
  final Claims.Claim claim;

  /** Null: not open, or nothing to be held. */
  private HostFile held;

  /** What is closed instead of the descriptor itself; null for nothing. */
  private Runnable closing;

  Lent(StoragePart part, Claims.Claim claim) {
    this.part = part;
    this.claim = claim;
  }

  void hold(HostFile file, Runnable atTheEnd) {
    held = file;
    closing = atTheEnd;
  }

  boolean isHeld() {
    return closing != null;
  }

  /** Null where there is none. */
  HostFile held() {
    return held;
  }

  void close() {
    Runnable now = closing;
    closing = null;
    held = null;
    if (now != null) {
      now.run();
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
package org.blksnap.api.snapshot;

/** What an attached device suffers from, if anything. */
public enum DeviceCondition {
  /** Nothing. */
  OK,
  /** Its I/O works, but nobody tracks its changes: the next backup has to be a full one. */
  UNTRACKED,
  /**
   * A part of the engine is away: its I/O waits, and fails with EIO where the part has not come
   * back within the hand-over timeout.
   */
  AWAY,
  /** It was detached, or its engine has stopped; look for it again. */
  ENDED
}

// SPDX-License-Identifier: Apache-2.0
package org.blksnap.api.snapshot;

/** Life of a snapshot: CREATED, TAKEN, DESTROYED, never back. */
public enum SnapshotState {
  CREATED,
  TAKEN,
  DESTROYED
}

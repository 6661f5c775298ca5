// SPDX-License-Identifier: Apache-2.0
package org.blksnap.api.snapshot;

/**
 * What an engine can do beyond what every engine does. Where one is absent, the calls named with it
 * answer {@link org.blksnap.api.block.Errno#EOPNOTSUPP} or say that they do not know.
 */
public enum Capability {
  /** Regular files can be attached, not block devices alone. */
  FILES("regular files can be attached"),
  /** {@link AttachRequest#readOnly}. */
  READ_ONLY("devices can be attached read-only"),
  /** {@link AttachRequest#durable}. */
  DURABLE_MAPS("a change map can be kept over a loss of power"),
  /** {@link AttachedDevice#restartChanges}. */
  MAP_RESTART("a change map can be begun anew while the device is attached"),
  /** A generation's reason is told; otherwise it is {@code NOT_KNOWN}. */
  GENERATION_REASONS("it is told why a change map began anew"),
  /** Attached devices and snapshots are there again after a restart of the engine. */
  PERSISTENT("devices and snapshots outlive a restart"),
  /** {@link SnapshotParticipant}s are asked before a take. */
  PARTICIPANTS("applications are asked to hold still at a take"),
  /** {@link Snapshot#appendStorageDirectory}. */
  STORAGE_DIRECTORY("difference storage can grow in a directory"),
  /** {@link Snapshot#appendStorageMemory}. */
  STORAGE_MEMORY("difference storage can be memory"),
  /** {@link ImageInfo#chunks} is there once taken. */
  CHUNK_STATISTICS("it is told how much an image has saved"),
  /** {@link TakeResult#held}, {@link AttachedDevice#gate}; without it they are zero. */
  GATE_TIMES("it is told how long writers were held at a take"),
  /** {@link StorageStatus#filledBytes} is all; without it, the least that is known. */
  STORAGE_FILL("it is told how much of the difference storage is filled");

  private final String text;

  Capability(String text) {
    this.text = text;
  }

  /** A sentence for people, without a full stop. */
  public String text() {
    return text;
  }
}

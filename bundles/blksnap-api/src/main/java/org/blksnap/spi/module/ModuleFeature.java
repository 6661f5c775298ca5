// SPDX-License-Identifier: Apache-2.0
package org.blksnap.spi.module;

/** What dialects differ in. */
public enum ModuleFeature {
  /** {@link KernelModule#appendStorage}. */
  APPEND_STORAGE("storage is given in ranges, also later"),
  /** {@link SnapshotSeed#storage}: one file, grown by the module. */
  STORAGE_FILE("storage is one file that the module grows"),
  /** {@link KernelModule#addDevice}; without it {@link SnapshotSeed#devices}. */
  ADD_DEVICE("devices are added one by one"),
  /** {@link KernelModule#attach} and {@link KernelModule#detach}. */
  ATTACH("devices are attached and detached by calls"),
  /**
   * {@link MemberState#error}; without it that is never anything but OK, and an error is told by
   * {@link ModuleEvent.Corrupted} alone.
   */
  MEMBER_ERROR("it tells what corrupted an image"),
  /** {@link ModuleEvent.LowFreeSpace}. */
  LOW_FREE_SPACE("it asks for more storage"),
  /** {@link ModuleEvent.NoSpace}. */
  NO_SPACE("it tells that storage is over");

  private final String text;

  ModuleFeature(String text) {
    this.text = text;
  }

  /** A sentence for people, without a full stop. */
  public String text() {
    return text;
  }
}

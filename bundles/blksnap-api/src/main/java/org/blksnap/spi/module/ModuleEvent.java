// SPDX-License-Identifier: Apache-2.0
package org.blksnap.spi.module;

import org.blksnap.api.block.Errno;

/** What {@code snapshot_wait_event} answers. */
public sealed interface ModuleEvent {
  /** Nanoseconds of the host's monotonic clock, as the module says. */
  long timeLabel();

  /** The storage asks for a further portion. */
  record LowFreeSpace(long timeLabel, long requestedBytes) implements ModuleEvent {}

  /** A device's image is lost. */
  record Corrupted(long timeLabel, int major, int minor, Errno error, int errorNumber)
      implements ModuleEvent {}

  /** The storage is over (linux 6.15). */
  record NoSpace(long timeLabel, long requestedBytes) implements ModuleEvent {}

  /** A code that is not known here. */
  record Other(long timeLabel, int code) implements ModuleEvent {}
}

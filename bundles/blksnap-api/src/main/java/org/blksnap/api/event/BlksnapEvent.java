// SPDX-License-Identifier: Apache-2.0
package org.blksnap.api.event;

import java.util.List;
import java.util.UUID;
import org.blksnap.api.block.Errno;
import org.blksnap.api.change.GenerationReason;
import org.blksnap.api.snapshot.Consistency;

/**
 * What happened. {@code timeLabel} is nanoseconds of the monotonic clock ({@link System#nanoTime}).
 */
public sealed interface BlksnapEvent {
  /** Nanoseconds, monotonic clock. */
  long timeLabel();

  /**
   * Events of one snapshot. Only {@link LowFreeSpace} and {@link Corrupted} are taken by {@code
   * wait_event}.
   */
  sealed interface OfSnapshot extends BlksnapEvent {
    UUID snapshot();
  }

  /**
   * Code 0: the storage asks for a further portion.
   *
   * @param requestedSectors 512-byte sectors asked for, over what there is
   */
  record LowFreeSpace(long timeLabel, UUID snapshot, long requestedSectors) implements OfSnapshot {}

  /**
   * Code 1: a device's image is lost; the live device is not.
   *
   * @param device the device's name
   * @param major device number, 0 for a regular file
   * @param minor device number, 0 for a regular file
   * @param error the first error
   * @param detail what failed, for a person
   */
  record Corrupted(
      long timeLabel,
      UUID snapshot,
      String device,
      int major,
      int minor,
      Errno error,
      String detail)
      implements OfSnapshot {}

  /**
   * The snapshot was taken.
   *
   * @param consistency what its images begin with
   * @param reasons why it is that and not more
   */
  record Taken(
      long timeLabel,
      UUID snapshot,
      List<String> devices,
      Consistency consistency,
      List<String> reasons)
      implements OfSnapshot {
    public Taken {
      devices = List.copyOf(devices);
      reasons = List.copyOf(reasons);
    }
  }

  /** The snapshot is gone. */
  record Destroyed(long timeLabel, UUID snapshot) implements OfSnapshot {}

  /** A change map began anew. */
  record NewGeneration(
      long timeLabel, String device, UUID generationId, GenerationReason reason, String detail)
      implements BlksnapEvent {}
}

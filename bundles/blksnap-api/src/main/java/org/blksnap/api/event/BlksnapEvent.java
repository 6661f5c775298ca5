// SPDX-License-Identifier: Apache-2.0
package org.blksnap.api.event;

import java.time.Instant;
import java.util.List;
import java.util.UUID;
import org.blksnap.api.block.Consistency;
import org.blksnap.api.block.Errno;
import org.blksnap.api.change.GenerationReason;

/** What happened. Sizes are in bytes. */
public sealed interface BlksnapEvent {
  /**
   * When, by the host's clock: for people. Clocks are set and step; the order of events is the
   * order in which they come, and nothing may be decided by comparing times.
   */
  Instant time();

  /** Name of the engine it happened in: its service property {@code blksnap.engine}. */
  String engine();

  /** Events of one snapshot. */
  sealed interface OfSnapshot extends BlksnapEvent {
    UUID snapshot();
  }

  /**
   * Code 0 of {@code wait_event}: the storage asks for a further portion.
   *
   * @param requestedBytes asked for, over what there is
   */
  record LowFreeSpace(Instant time, String engine, UUID snapshot, long requestedBytes)
      implements OfSnapshot {}

  /**
   * Code 1 of {@code wait_event}: a device's image is lost; the live device is not.
   *
   * @param device the device's name
   * @param major device number, 0 for a regular file
   * @param minor device number; a small number unique in the engine for a regular file
   * @param error the first error
   * @param detail what failed, for a person
   */
  record Corrupted(
      Instant time,
      String engine,
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
      Instant time,
      String engine,
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

  /** The snapshot is destroyed. Its last event. */
  record Destroyed(Instant time, String engine, UUID snapshot) implements OfSnapshot {}

  /** A change map began anew. */
  record NewGeneration(
      Instant time,
      String engine,
      String device,
      UUID generationId,
      GenerationReason reason,
      String detail)
      implements BlksnapEvent {}
}

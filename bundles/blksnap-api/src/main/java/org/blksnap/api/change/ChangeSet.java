// SPDX-License-Identifier: Apache-2.0
package org.blksnap.api.change;

import java.util.List;
import java.util.UUID;
import org.blksnap.api.block.ByteRange;

/**
 * What a consumer has to read.
 *
 * @param full true where the consumer's point is not of this generation: everything has to be read,
 *     and {@code extents} is one range over the whole device
 * @param fullReason why it is full, for a person; empty otherwise
 * @param generationId the generation to keep for next time
 * @param changesNumber the number to keep for next time
 * @param blockSize bytes of one tracking block
 * @param extents changed ranges, ascending, merged, aligned to tracking blocks, the last one cut at
 *     the capacity
 */
public record ChangeSet(
    boolean full,
    String fullReason,
    UUID generationId,
    int changesNumber,
    int blockSize,
    List<ByteRange> extents) {
  public ChangeSet {
    extents = List.copyOf(extents);
  }

  /** Sum of all extents. */
  public long bytes() {
    return extents.stream().mapToLong(ByteRange::length).sum();
  }
}

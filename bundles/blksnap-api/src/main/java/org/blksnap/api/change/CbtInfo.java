// SPDX-License-Identifier: Apache-2.0
package org.blksnap.api.change;

import java.time.Instant;
import java.util.UUID;

/**
 * The answer of {@code cbtinfo} (reference, section 2), and why the generation began.
 *
 * @param deviceCapacity bytes
 * @param blockSize bytes of one tracking block, a power of two
 * @param blockCount tracking blocks, one map byte each
 * @param generationId changes whenever the map begins anew
 * @param changesNumber number of the last take, 0 to 254; the number a backup made from it must
 *     keep
 * @param reason why the generation began
 * @param reasonDetail what exactly was seen; may be empty
 * @param since when it began
 */
public record CbtInfo(
    long deviceCapacity,
    int blockSize,
    int blockCount,
    UUID generationId,
    int changesNumber,
    GenerationReason reason,
    String reasonDetail,
    Instant since) {
  /** Generation and number of the last take, as one value to keep. */
  public ChangePoint point() {
    return new ChangePoint(generationId, changesNumber);
  }
}

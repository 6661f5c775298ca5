// SPDX-License-Identifier: Apache-2.0
package org.blksnap.api.snapshot;

import java.util.Optional;
import org.blksnap.api.block.Errno;

/**
 * The answer of {@code snapshotinfo} for one device of a snapshot.
 *
 * @param device the device's name
 * @param error {@link Errno#OK}, or the first error that corrupted the image
 * @param detail what failed, for a person; empty without error
 * @param image name of the image; empty before the take
 * @param chunks what it has saved; empty before the take, and where the engine does not tell
 *     ({@link Capability#CHUNK_STATISTICS})
 */
public record ImageInfo(
    String device, Errno error, String detail, String image, Optional<ChunkStatistics> chunks) {}

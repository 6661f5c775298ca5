// SPDX-License-Identifier: Apache-2.0
package org.blksnap.api.snapshot;

import org.blksnap.api.block.Errno;

/**
 * The answer of {@code snapshotinfo} for one device of a snapshot.
 *
 * @param device the device's name
 * @param error {@link Errno#OK}, or the first error that corrupted the image
 * @param detail what failed, for a person; empty without error
 * @param image name of the image; empty before the take
 * @param chunkSize bytes; 0 before the take
 * @param chunkCount chunks; 0 before the take
 * @param savedChunks chunks with at least one saved page
 * @param savedBytes bytes copied from the live device or written to the image
 * @param queuedChunks chunks that wait in memory to be stored
 */
public record ImageInfo(
    String device,
    Errno error,
    String detail,
    String image,
    int chunkSize,
    int chunkCount,
    long savedChunks,
    long savedBytes,
    int queuedChunks) {}

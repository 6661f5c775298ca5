// SPDX-License-Identifier: Apache-2.0
package org.blksnap.api.snapshot;

/**
 * What an image has saved so far.
 *
 * @param chunkSize bytes
 * @param chunkCount chunks of the whole image
 * @param savedChunks chunks with at least one saved page
 * @param savedBytes bytes copied from the live device or written to the image
 * @param queuedChunks chunks that wait in memory to be stored
 */
public record ChunkStatistics(
    int chunkSize, int chunkCount, long savedChunks, long savedBytes, int queuedChunks) {}

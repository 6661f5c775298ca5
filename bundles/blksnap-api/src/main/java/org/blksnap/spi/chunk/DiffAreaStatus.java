// SPDX-License-Identifier: Apache-2.0
package org.blksnap.spi.chunk;

/**
 * @param savedChunks chunks with at least one saved page
 * @param savedBytes bytes in saved pages
 * @param queuedChunks chunks that wait in memory to be stored
 * @param copiedBytes bytes read from the live device so far
 */
public record DiffAreaStatus(
    long savedChunks, long savedBytes, int queuedChunks, long copiedBytes) {}

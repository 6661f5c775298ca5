// SPDX-License-Identifier: Apache-2.0
package org.blksnap.spi.module;

import java.util.UUID;

/**
 * The answer of {@code cbtinfo}.
 *
 * @param capacity bytes
 * @param blockSize bytes of one tracking block
 * @param blockCount tracking blocks, one map byte each
 * @param generation changes whenever the map begins anew
 * @param changesNumber number of the last take
 */
public record TrackerState(
    long capacity, int blockSize, int blockCount, UUID generation, int changesNumber) {}

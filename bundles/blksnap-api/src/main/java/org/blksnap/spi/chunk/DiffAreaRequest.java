// SPDX-License-Identifier: Apache-2.0
package org.blksnap.spi.chunk;

import java.nio.file.Path;
import java.util.UUID;
import java.util.function.IntSupplier;
import org.blksnap.api.block.BlockSizeRule;
import org.blksnap.spi.storage.DiffStorage;

/**
 * What a diff area is opened for.
 *
 * @param snapshot whose it is
 * @param device the device's name, for messages
 * @param directory where it keeps its chunk map and queued buffers; its own, exists
 * @param capacity bytes of the device at the take
 * @param rule chunk size
 * @param minimumIo of the device
 * @param storage where saved pages go
 * @param live reads the live device
 * @param maximumInQueue {@code chunk_maximum_in_queue}, live
 * @param freeBuffers {@code free_diff_buffer_pool_size}, live
 * @param corruption told when it is lost
 */
public record DiffAreaRequest(
    UUID snapshot,
    String device,
    Path directory,
    long capacity,
    BlockSizeRule rule,
    int minimumIo,
    DiffStorage storage,
    LiveReader live,
    IntSupplier maximumInQueue,
    IntSupplier freeBuffers,
    CorruptionSink corruption) {}

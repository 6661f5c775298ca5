// SPDX-License-Identifier: Apache-2.0
package org.blksnap.spi.storage;

import java.nio.file.Path;
import java.util.UUID;
import java.util.function.LongSupplier;
import org.blksnap.spi.event.EventSink;

/**
 * What a difference storage is opened for.
 *
 * @param snapshot whose pool it is
 * @param file where it keeps what it is made of and how far it is filled, so that a successor can
 *     go on
 * @param minimumSectors {@code diff_storage_minimum}, asked anew each time it matters
 * @param events takes LowFreeSpace events
 */
public record StorageRequest(
    UUID snapshot, Path file, LongSupplier minimumSectors, EventSink events) {}

// SPDX-License-Identifier: Apache-2.0
package org.blksnap.spi.storage;

import java.nio.file.Path;
import java.util.UUID;
import java.util.function.LongConsumer;
import java.util.function.LongSupplier;

/**
 * What a difference storage is opened for.
 *
 * @param snapshot whose pool it is
 * @param file where it keeps what it is made of and how far it is filled, so that a successor can
 *     go on
 * @param minimumSectors {@code diff_storage_minimum}, sectors of 512 bytes, asked anew each time it
 *     matters
 * @param asks takes the bytes the pool asks for, over what there is; never blocks, never throws. A
 *     pool that is adopted with another object here asks again for what is missing
 */
public record StorageRequest(
    UUID snapshot, Path file, LongSupplier minimumSectors, LongConsumer asks) {}

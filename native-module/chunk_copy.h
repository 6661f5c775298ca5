/* SPDX-License-Identifier: GPL-2.0 */
#ifndef BLKSNAP_CHUNK_COPY_H
#define BLKSNAP_CHUNK_COPY_H

#include "chunk.h"

/*
 * How the content of a chunk moves: from the device or the storage into
 * memory, and from there to the storage. One way: nothing here waits.
 */
bool chunk_preserve(struct chunk *chunk, u64 units);
bool chunk_wait(struct chunk *chunk, u64 units, struct copy_waiter *waiter);
void chunk_store(struct storage_item *item);

/* For units that the caller made busy. */
bool chunk_load(struct chunk *chunk, u64 units, bool from_storage);
void chunk_loaded(struct chunk *chunk, u64 units, int error);

#endif /* BLKSNAP_CHUNK_COPY_H */

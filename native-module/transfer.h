/* SPDX-License-Identifier: GPL-2.0 */
#ifndef BLKSNAP_TRANSFER_H
#define BLKSNAP_TRANSFER_H

#include <linux/types.h>

struct block_device;
struct chunk;

/*
 * Units of one chunk on their way: read into its pages, or written from them.
 * A transfer ends with chunk_loaded() or chunk_stored(), in any context.
 */
int transfer_engine_start(void);
void transfer_engine_stop(void);

void transfer_load(struct chunk *chunk, u64 units, struct block_device *bdev,
		   u64 sector);
void transfer_store(struct chunk *chunk, u64 units);

#endif /* BLKSNAP_TRANSFER_H */

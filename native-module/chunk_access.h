/* SPDX-License-Identifier: GPL-2.0 */
#ifndef BLKSNAP_CHUNK_ACCESS_H
#define BLKSNAP_CHUNK_ACCESS_H

#include "chunk.h"

/*
 * What the image reads and writes of a chunk. Process context: it waits until
 * nobody is at the units it wants.
 */
enum chunk_source {
	CHUNK_LIVE,	/* not saved: the device has it */
	CHUNK_MEMORY,	/* pinned: copy, then chunk_unpin() */
	CHUNK_STORED,	/* item.place has it */
	CHUNK_FAILED,	/* nobody has it any more */
};

enum chunk_source chunk_source(struct chunk *chunk, unsigned int unit,
			       unsigned int *run);
unsigned int chunk_live_run(struct chunk *chunk, unsigned int unit);
void chunk_unpin(struct chunk *chunk);
int chunk_open(struct chunk *chunk, u64 units, u64 partial);
void chunk_close(struct chunk *chunk, u64 units, int error);

#endif /* BLKSNAP_CHUNK_ACCESS_H */

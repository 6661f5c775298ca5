/* SPDX-License-Identifier: GPL-2.0 */
#ifndef BLKSNAP_CHUNK_H
#define BLKSNAP_CHUNK_H

#include <linux/list.h>
#include <linux/mm_types.h>
#include <linux/spinlock.h>
#include "diff_storage.h"

struct diff_area;

/*
 * A chunk that was touched since the take. It is copied in units, at most 64
 * of them, a bit each:
 *
 *   saved   the content as of the take, or as an image write left it, is
 *           kept by us. Set before the write that waits for it goes down, and
 *           never cleared. Read without the lock.
 *   busy    is being read into pages, or overwritten there, by whoever set
 *           the bit. Nobody else touches these pages' content.
 *   inmem   pages hold it.
 *   stored  place holds it, just as it is.
 *   storing is being written to place; touched: was changed meanwhile.
 *
 * saved is always inmem or stored, unless the area is corrupted. New = not
 * saved; in memory = inmem; stored = stored; failed = the area's error.
 *
 * pages (an entry a page of the chunk) are given back when all of inmem is
 * stored and nobody needs them (busy, storing, pins).
 */
struct chunk {
	spinlock_t lock;	/* all below but area, number, place; irq-safe */
	struct diff_area *area;
	u32 number;
	unsigned int pins;
	bool queued;
	struct storage_place place;	/* the store worker's, until stored */
	u64 saved;
	u64 busy;
	u64 inmem;
	u64 stored;
	u64 storing;
	u64 touched;
	struct page **pages;
	struct list_head waiters;	/* of struct copy_waiter, for busy */
	struct list_head queue_link;	/* in the storage's queue, its lock */
};

int chunk_engine_start(void);
void chunk_engine_stop(void);

struct chunk *chunk_make(struct diff_area *area, u32 number);
void chunk_free(struct chunk *chunk);

bool chunk_has(struct chunk *chunk, u64 units);
bool chunk_preserve(struct chunk *chunk, u64 units);
bool chunk_wait(struct chunk *chunk, u64 units, struct copy_waiter *waiter);
void chunk_store(struct chunk *chunk);

/* For the image; process context. */
enum chunk_source {
	CHUNK_LIVE,	/* not saved: the device has it */
	CHUNK_MEMORY,	/* pinned: copy, then chunk_unpin() */
	CHUNK_STORED,	/* place has it */
	CHUNK_FAILED,	/* nobody has it any more */
};

enum chunk_source chunk_source(struct chunk *chunk, unsigned int unit,
			       unsigned int *run);
unsigned int chunk_live_run(struct chunk *chunk, unsigned int unit);
void chunk_unpin(struct chunk *chunk);
int chunk_open(struct chunk *chunk, u64 units, u64 partial);
void chunk_close(struct chunk *chunk, u64 units, int error);

#endif /* BLKSNAP_CHUNK_H */

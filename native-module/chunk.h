/* SPDX-License-Identifier: GPL-2.0 */
#ifndef BLKSNAP_CHUNK_H
#define BLKSNAP_CHUNK_H

#include <linux/list.h>
#include <linux/mm_types.h>
#include <linux/spinlock.h>
#include "chunk_set.h"

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
 *   storing is being written there; the pages' content stays as it is.
 *
 * saved is always inmem or stored, unless the set has failed. New = not saved;
 * in memory = inmem; stored = stored; failed = the set's error.
 *
 * pages (an entry a page of the chunk) are given back when all of inmem is
 * stored and nobody needs them (busy, storing, pins).
 */
struct chunk {
	struct storage_item item;	/* of the set's user; its place */
	spinlock_t lock;	/* all below but number; irq-safe */
	u32 number;
	unsigned int pins;
	bool queued;
	u64 saved;
	u64 busy;
	u64 inmem;
	u64 stored;
	u64 storing;
	struct page **pages;
	struct list_head waiters;	/* of struct copy_waiter, for busy */
};

int chunk_engine_start(void);
void chunk_engine_stop(void);

static inline struct chunk_set *chunk_set_of(const struct chunk *chunk)
{
	return container_of(chunk->item.user, struct chunk_set, user);
}

struct chunk *chunk_make(struct chunk_set *set, u32 number);
void chunk_free(struct chunk *chunk);

bool chunk_has(struct chunk *chunk, u64 units);
bool chunk_has_or_copies(struct chunk *chunk, u64 units);

unsigned int chunk_pages(const struct chunk *chunk);
unsigned int chunk_page_shift(const struct chunk *chunk);
int chunk_populate(struct chunk *chunk, u64 units);
struct page **chunk_trim_locked(struct chunk *chunk);
void chunk_trimmed(struct chunk *chunk, struct page **pages);

#endif /* BLKSNAP_CHUNK_H */

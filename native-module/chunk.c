// SPDX-License-Identifier: GPL-2.0
#include <linux/mm.h>
#include <linux/slab.h>
#include "chunk.h"
#include "units.h"

static struct kmem_cache *chunk_cache;

int chunk_engine_start(void)
{
	chunk_cache = KMEM_CACHE(chunk, 0);
	return chunk_cache ? 0 : -ENOMEM;
}

void chunk_engine_stop(void)
{
	kmem_cache_destroy(chunk_cache);
}

struct chunk *chunk_make(struct chunk_set *set, u32 number)
{
	struct chunk *chunk = kmem_cache_zalloc(chunk_cache, BUFFER_GFP);

	if (!chunk)
		return NULL;
	spin_lock_init(&chunk->lock);
	chunk->item.user = &set->user;
	chunk->number = number;
	INIT_LIST_HEAD(&chunk->waiters);
	INIT_LIST_HEAD(&chunk->item.link);
	return chunk;
}

/* The count of pages that hold all of it. */
unsigned int chunk_pages(const struct chunk *chunk)
{
	u64 sectors = chunk_set_sectors(chunk_set_of(chunk), chunk->number);

	return DIV_ROUND_UP_ULL(sectors << SECTOR_SHIFT, PAGE_SIZE);
}

/* Pages of a unit, as a power of two. */
unsigned int chunk_page_shift(const struct chunk *chunk)
{
	return chunk_set_of(chunk)->unit_shift + SECTOR_SHIFT - PAGE_SHIFT;
}

/* Gives back the pages of some units, or of the rest: from, to are pages. */
static void pages_put(struct chunk *chunk, struct page **pages,
		      unsigned int from, unsigned int to)
{
	struct diff_buffer_pool *pool = &chunk_set_of(chunk)->storage->pool;

	for (; from < to; from++) {
		if (pages[from])
			diff_buffer_put(pool, pages[from]);
		pages[from] = NULL;
	}
}

void chunk_free(struct chunk *chunk)
{
	if (chunk->pages)
		pages_put(chunk, chunk->pages, 0, chunk_pages(chunk));
	kvfree(chunk->pages);
	kmem_cache_free(chunk_cache, chunk);
}

/* The pages, if nobody needs them any more: then the caller gives them back. */
struct page **chunk_trim_locked(struct chunk *chunk)
{
	struct chunk_set *set = chunk_set_of(chunk);
	struct page **pages = chunk->pages;

	lockdep_assert_held(&chunk->lock);
	if (!pages || chunk->busy || chunk->storing || chunk->pins)
		return NULL;
	if ((chunk->inmem & ~chunk->stored) && !chunk_set_error(set))
		return NULL;
	chunk->inmem = 0;
	chunk->pages = NULL;
	return pages;
}

void chunk_trimmed(struct chunk *chunk, struct page **pages)
{
	struct diff_buffer_pool *pool = &chunk_set_of(chunk)->storage->pool;

	if (!pages)
		return;
	pages_put(chunk, pages, 0, chunk_pages(chunk));
	kvfree(pages);
	if (diff_buffer_is_starved(pool) && !diff_buffer_full(pool))
		diff_buffer_feed(pool);
}

/* Without the lock. */
bool chunk_has(struct chunk *chunk, u64 units)
{
	/* pairs with the release that sets the bits, in chunk_copy.c */
	return (smp_load_acquire(&chunk->saved) & units) == units;
}

/* The same; or whoever made units busy will have done so. A hint. */
bool chunk_has_or_copies(struct chunk *chunk, u64 units)
{
	u64 kept = READ_ONCE(chunk->busy) | READ_ONCE(chunk->saved);

	return (kept & units) == units;
}

/* Pages for units that the caller made busy. */
int chunk_populate(struct chunk *chunk, u64 units)
{
	struct diff_buffer_pool *pool = &chunk_set_of(chunk)->storage->pool;
	struct page **pages = READ_ONCE(chunk->pages);
	unsigned int shift = chunk_page_shift(chunk);
	unsigned int count = chunk_pages(chunk);
	unsigned long flags;
	unsigned int unit;

	if (!pages) {
		struct page **fresh = kvcalloc(count, sizeof(*fresh),
					       BUFFER_GFP);

		if (!fresh)
			return -ENOMEM;
		spin_lock_irqsave(&chunk->lock, flags);
		if (!chunk->pages)
			swap(chunk->pages, fresh);
		pages = chunk->pages;
		spin_unlock_irqrestore(&chunk->lock, flags);
		kvfree(fresh);
	}
	for (unit = 0; unit < UNITS_MAX; unit++) {
		unsigned int page = units_page(unit, shift, count);
		unsigned int end = units_page(unit + 1, shift, count);

		if (!(units & BIT_ULL(unit)))
			continue;
		for (; page < end; page++) {
			if (pages[page])
				continue;
			pages[page] = diff_buffer_get(pool);
			if (!pages[page])
				return -ENOMEM;
		}
	}
	return 0;
}

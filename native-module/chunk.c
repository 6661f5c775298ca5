// SPDX-License-Identifier: GPL-2.0
#include <linux/mm.h>
#include <linux/slab.h>
#include "chunk.h"
#include "transfer.h"
#include "units.h"

static struct kmem_cache *chunk_cache;

int chunk_engine_start(void)
{
	int ret;

	chunk_cache = KMEM_CACHE(chunk, 0);
	if (!chunk_cache)
		return -ENOMEM;
	ret = transfer_engine_start();
	if (ret)
		kmem_cache_destroy(chunk_cache);
	return ret;
}

void chunk_engine_stop(void)
{
	transfer_engine_stop();
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
static unsigned int chunk_pages(const struct chunk *chunk)
{
	u64 sectors = chunk_set_sectors(chunk_set_of(chunk), chunk->number);

	return DIV_ROUND_UP_ULL(sectors << SECTOR_SHIFT, PAGE_SIZE);
}

/* Pages of a unit, as a power of two. */
static unsigned int chunk_page_shift(const struct chunk *chunk)
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
static struct page **chunk_trim_locked(struct chunk *chunk)
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

static void chunk_trimmed(struct chunk *chunk, struct page **pages)
{
	struct diff_buffer_pool *pool = &chunk_set_of(chunk)->storage->pool;

	if (!pages)
		return;
	pages_put(chunk, pages, 0, chunk_pages(chunk));
	kvfree(pages);
	if (diff_buffer_is_starved(pool) && !diff_buffer_full(pool))
		diff_buffer_feed(pool);
}

/* What is not stored gets queued; a store under way sees to it itself. */
static void chunk_queue_locked(struct chunk *chunk)
{
	lockdep_assert_held(&chunk->lock);
	if (chunk->queued || chunk->storing ||
	    !(chunk->inmem & ~chunk->stored & ~chunk->busy))
		return;
	chunk->queued = true;
	diff_storage_enqueue(chunk_set_of(chunk)->storage, &chunk->item);
}

/* Without the lock. */
bool chunk_has(struct chunk *chunk, u64 units)
{
	/* pairs with the release that sets the bits, in chunk_loaded() */
	return (smp_load_acquire(&chunk->saved) & units) == units;
}

/* Units that the caller made busy have come into memory, or not. */
static void chunk_loaded(struct chunk *chunk, u64 units, int error)
{
	struct chunk_set *set = chunk_set_of(chunk);
	LIST_HEAD(waiters);
	struct page **pages;
	unsigned long flags;

	if (error)
		chunk_set_fail(set, error);
	spin_lock_irqsave(&chunk->lock, flags);
	chunk->busy &= ~units;
	if (!error) {
		chunk->inmem |= units;
		/* pairs with chunk_has() */
		smp_store_release(&chunk->saved, chunk->saved | units);
		chunk_queue_locked(chunk);
	}
	list_splice_init(&chunk->waiters, &waiters);
	pages = chunk_trim_locked(chunk);
	spin_unlock_irqrestore(&chunk->lock, flags);

	chunk_trimmed(chunk, pages);
	copy_waiters_wake(&waiters);
	if (wq_has_sleeper(&set->copied))
		wake_up_all(&set->copied);
}

/* What chunk_store() began has ended. */
static void chunk_stored(struct chunk *chunk, u64 units, int error)
{
	struct page **pages;
	unsigned long flags;

	if (error)
		chunk_set_fail(chunk_set_of(chunk), error);
	spin_lock_irqsave(&chunk->lock, flags);
	if (!error)
		chunk->stored |= units & ~chunk->touched;
	chunk->storing = 0;
	chunk->touched = 0;
	if (!error)
		chunk_queue_locked(chunk);
	pages = chunk_trim_locked(chunk);
	spin_unlock_irqrestore(&chunk->lock, flags);

	chunk_trimmed(chunk, pages);
}

/* Pages for units that the caller made busy. */
static int units_populate(struct chunk *chunk, u64 units)
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

/* The chunk's pages on their way from or to a device, where it begins. */
static struct transfer_job chunk_job(struct chunk *chunk, u64 units,
				     struct block_device *bdev, u64 sector)
{
	struct transfer_job job = {
		.bdev = bdev,
		.sector = sector,
		.pages = chunk->pages,
		.count = chunk_pages(chunk),
		.shift = chunk_page_shift(chunk),
		.units = units,
		.owner = chunk,
	};

	job.bytes = (u64)job.count << PAGE_SHIFT;
	return job;
}

static void chunk_load_ended(void *owner, u64 units, int error)
{
	struct chunk *chunk = owner;
	struct chunk_set *set = chunk_set_of(chunk);

	chunk_loaded(chunk, units, error);
	chunk_set_put(set);
}

static void chunk_store_ended(void *owner, u64 units, int error)
{
	struct chunk *chunk = owner;
	struct diff_storage *storage = chunk_set_of(chunk)->storage;

	chunk_stored(chunk, units, error);
	diff_storage_stored(storage);
}

/* Begins to read units, made busy by the caller, from where they are. */
static bool units_load(struct chunk *chunk, u64 units, bool from_storage)
{
	struct chunk_set *set = chunk_set_of(chunk);
	struct transfer_job job;
	int ret = units_populate(chunk, units);

	if (ret) {
		chunk_loaded(chunk, units, ret);
		return false;
	}
	chunk_set_get(set);
	if (from_storage) {
		job = chunk_job(chunk, units, chunk->item.place.bdev,
				chunk->item.place.sector);
	} else {
		job = chunk_job(chunk, units, set->bdev,
				chunk_set_start(set, chunk->number));
		job.bytes = chunk_set_sectors(set, chunk->number) <<
			    SECTOR_SHIFT;
	}
	job.end = chunk_load_ended;
	transfer_read(&job);
	return true;
}

/* Begins to copy what of the units is neither kept nor on its way. */
bool chunk_preserve(struct chunk *chunk, u64 units)
{
	unsigned long flags;

	spin_lock_irqsave(&chunk->lock, flags);
	units &= ~chunk->saved & ~chunk->busy;
	chunk->busy |= units;
	spin_unlock_irqrestore(&chunk->lock, flags);
	return !units || units_load(chunk, units, false);
}

/*
 * Parks the waiter until a copy of this chunk ends; false, and not parked,
 * when there is nothing to wait for.
 */
bool chunk_wait(struct chunk *chunk, u64 units, struct copy_waiter *waiter)
{
	unsigned long flags;
	bool parked;

	spin_lock_irqsave(&chunk->lock, flags);
	parked = units & ~chunk->saved & chunk->busy;
	if (parked)
		list_add_tail(&waiter->link, &chunk->waiters);
	spin_unlock_irqrestore(&chunk->lock, flags);
	return parked;
}

/* The store worker's: the caller has counted it in storage->in_flight. */
void chunk_store(struct storage_item *item)
{
	struct chunk *chunk = container_of(item, struct chunk, item);
	struct chunk_set *set = chunk_set_of(chunk);
	struct diff_storage *storage = set->storage;
	struct page **pages = NULL;
	struct transfer_job job;
	u64 units;

	spin_lock_irq(&chunk->lock);
	chunk->queued = false;
	units = chunk->inmem & ~chunk->stored & ~chunk->busy;
	if (chunk_set_error(set) || chunk->storing || !chunk->item.place.bdev)
		units = 0;
	chunk->storing |= units;
	if (!units)
		pages = chunk_trim_locked(chunk);
	spin_unlock_irq(&chunk->lock);
	if (!units) {
		chunk_trimmed(chunk, pages);
		diff_storage_stored(storage);
		return;
	}
	job = chunk_job(chunk, units, chunk->item.place.bdev,
			chunk->item.place.sector);
	job.end = chunk_store_ended;
	transfer_write(&job);
}

static bool units_idle(struct chunk *chunk, u64 units)
{
	return !(READ_ONCE(chunk->busy) & units);
}

/* How many units from that one on are not kept by us, at this moment. */
unsigned int chunk_live_run(struct chunk *chunk, unsigned int unit)
{
	/* pairs with the release that sets the bits, in chunk_loaded() */
	u64 saved = smp_load_acquire(&chunk->saved) >> unit;

	return saved ? __ffs64(saved) : UNITS_MAX - unit;
}

/*
 * Where a unit is to be read from, once nobody is at it; run is the count of
 * units from there on of which the same is true.
 */
enum chunk_source chunk_source(struct chunk *chunk, unsigned int unit,
			       unsigned int *run)
{
	struct chunk_set *set = chunk_set_of(chunk);
	u64 bit = BIT_ULL(unit);
	enum chunk_source source;

	spin_lock_irq(&chunk->lock);
	while ((chunk->saved & bit) && (chunk->busy & bit)) {
		spin_unlock_irq(&chunk->lock);
		wait_event_idle(set->copied, units_idle(chunk, bit));
		spin_lock_irq(&chunk->lock);
	}
	/* What was trimmed because of an error is not stored. */
	if (chunk_set_error(set)) {
		source = CHUNK_FAILED;
		*run = 1;
	} else if (!(chunk->saved & bit)) {
		source = CHUNK_LIVE;
		*run = units_run(~chunk->saved, unit);
	} else if (chunk->inmem & bit) {
		source = CHUNK_MEMORY;
		*run = units_run(chunk->inmem & ~chunk->busy, unit);
		chunk->pins++;
	} else {
		source = CHUNK_STORED;
		*run = units_run(chunk->saved & ~chunk->inmem & ~chunk->busy,
				 unit);
	}
	spin_unlock_irq(&chunk->lock);
	return source;
}

void chunk_unpin(struct chunk *chunk)
{
	struct page **pages;

	spin_lock_irq(&chunk->lock);
	chunk->pins--;
	pages = chunk_trim_locked(chunk);
	spin_unlock_irq(&chunk->lock);
	chunk_trimmed(chunk, pages);
}

/*
 * For an image write over units, of which partial are not covered whole and
 * must be in memory first. Afterwards the caller owns the units (busy), their
 * pages are there, and it ends with chunk_close().
 */
int chunk_open(struct chunk *chunk, u64 units, u64 partial)
{
	struct chunk_set *set = chunk_set_of(chunk);
	u64 live, stored;
	int ret;

	spin_lock_irq(&chunk->lock);
	chunk->pins++;
	for (;;) {
		if (chunk_set_error(set)) {
			ret = -EIO;
			goto unpin;
		}
		if (chunk->busy & units) {
			spin_unlock_irq(&chunk->lock);
			wait_event_idle(set->copied,
					units_idle(chunk, units));
			spin_lock_irq(&chunk->lock);
			continue;
		}
		live = partial & ~chunk->saved;
		stored = partial & chunk->saved & ~chunk->inmem;
		if (!live && !stored)
			break;
		chunk->busy |= live | stored;
		spin_unlock_irq(&chunk->lock);
		if (live)
			units_load(chunk, live, false);
		if (stored)
			units_load(chunk, stored, true);
		spin_lock_irq(&chunk->lock);
	}
	chunk->busy |= units;
	spin_unlock_irq(&chunk->lock);
	ret = units_populate(chunk, units);
	if (!ret)
		return 0;
	chunk_set_fail(set, ret);
	chunk_close(chunk, units, ret);
	return ret;

unpin:
	spin_unlock_irq(&chunk->lock);
	chunk_unpin(chunk);
	return ret;
}

void chunk_close(struct chunk *chunk, u64 units, int error)
{
	if (!error) {
		spin_lock_irq(&chunk->lock);
		chunk->stored &= ~units;
		if (chunk->storing)
			chunk->touched |= units;
		spin_unlock_irq(&chunk->lock);
	}
	chunk_loaded(chunk, units, error);
	chunk_unpin(chunk);
}

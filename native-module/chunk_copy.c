// SPDX-License-Identifier: GPL-2.0
#include <linux/mm.h>
#include "chunk_copy.h"
#include "transfer.h"

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

/*
 * Units that the caller made busy have come into memory, or not. ENOMEM: there
 * was none to be had, nothing is lost by that, and it may be tried again.
 */
void chunk_loaded(struct chunk *chunk, u64 units, int error)
{
	struct chunk_set *set = chunk_set_of(chunk);
	LIST_HEAD(waiters);
	struct page **pages;
	unsigned long flags;

	if (error && error != -ENOMEM)
		chunk_set_fail(set, error);
	spin_lock_irqsave(&chunk->lock, flags);
	chunk->busy &= ~units;
	if (!error) {
		chunk->inmem |= units;
		/* pairs with chunk_has() */
		smp_store_release(&chunk->saved, chunk->saved | units);
	}
	/* Also what was in memory before, and not stored while it was busy. */
	if (!error || error == -ENOMEM)
		chunk_queue_locked(chunk);
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
	struct chunk_set *set = chunk_set_of(chunk);
	struct page **pages;
	unsigned long flags;

	if (error)
		chunk_set_fail(set, error);
	spin_lock_irqsave(&chunk->lock, flags);
	if (!error)
		chunk->stored |= units;
	chunk->storing = 0;
	if (!error)
		chunk_queue_locked(chunk);
	pages = chunk_trim_locked(chunk);
	spin_unlock_irqrestore(&chunk->lock, flags);

	chunk_trimmed(chunk, pages);
	if (wq_has_sleeper(&set->copied))
		wake_up_all(&set->copied);
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

static void chunk_copy_ended(void *owner, u64 units, int error)
{
	struct chunk *chunk = owner;
	struct chunk_set *set = chunk_set_of(chunk);

	chunk_set_live_put(set);
	chunk_loaded(chunk, units, error);
	chunk_set_put(set);
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
bool chunk_load(struct chunk *chunk, u64 units, bool from_storage)
{
	struct chunk_set *set = chunk_set_of(chunk);
	struct transfer_job job;
	int ret = chunk_populate(chunk, units);

	if (!ret && !from_storage && !chunk_set_live_get(set))
		ret = -ENODEV;
	if (ret) {
		chunk_loaded(chunk, units, ret);
		return false;
	}
	chunk_set_get(set);
	if (from_storage) {
		job = chunk_job(chunk, units, chunk->item.place.bdev,
				chunk->item.place.sector);
		job.end = chunk_load_ended;
	} else {
		job = chunk_job(chunk, units, set->bdev,
				chunk_set_start(set, chunk->number));
		job.bytes = chunk_set_sectors(set, chunk->number) <<
			    SECTOR_SHIFT;
		job.end = chunk_copy_ended;
	}
	transfer_read(&job);
	return true;
}

/*
 * Begins to copy what of the units is neither kept nor on its way. False: it
 * could not, for want of memory, or the set has failed.
 */
bool chunk_preserve(struct chunk *chunk, u64 units)
{
	unsigned long flags;

	spin_lock_irqsave(&chunk->lock, flags);
	units &= ~chunk->saved & ~chunk->busy;
	chunk->busy |= units;
	spin_unlock_irqrestore(&chunk->lock, flags);
	return !units || chunk_load(chunk, units, false);
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

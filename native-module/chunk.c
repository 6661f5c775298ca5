// SPDX-License-Identifier: GPL-2.0
#include <linux/bio.h>
#include <linux/blkdev.h>
#include <linux/mempool.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include "chunk.h"
#include "diff_area.h"
#include "hook.h"

/* Transfers and bios that can be had even when memory is short. */
#define TRANSFERS_MIN	64
#define BIOS_MIN	64

/* Units of one chunk on their way: read into pages, or written from them. */
struct transfer {
	struct chunk *chunk;
	u64 units;
	bool store;
	int error;
	atomic_t pending;
};

static struct kmem_cache *chunk_cache;
static struct kmem_cache *transfer_cache;
static mempool_t transfers;
static struct bio_set transfer_bios;

int chunk_engine_start(void)
{
	int ret = -ENOMEM;

	chunk_cache = KMEM_CACHE(chunk, 0);
	if (!chunk_cache)
		return ret;
	transfer_cache = KMEM_CACHE(transfer, 0);
	if (!transfer_cache)
		goto no_transfer_cache;
	ret = mempool_init_slab_pool(&transfers, TRANSFERS_MIN, transfer_cache);
	if (ret)
		goto no_transfers;
	ret = bioset_init(&transfer_bios, BIOS_MIN, 0, BIOSET_NEED_BVECS);
	if (!ret)
		return 0;
	mempool_exit(&transfers);
no_transfers:
	kmem_cache_destroy(transfer_cache);
no_transfer_cache:
	kmem_cache_destroy(chunk_cache);
	return ret;
}

void chunk_engine_stop(void)
{
	bioset_exit(&transfer_bios);
	mempool_exit(&transfers);
	kmem_cache_destroy(transfer_cache);
	kmem_cache_destroy(chunk_cache);
}

struct chunk *chunk_make(struct diff_area *area, u32 number)
{
	struct chunk *chunk = kmem_cache_zalloc(chunk_cache, BUFFER_GFP);

	if (!chunk)
		return NULL;
	spin_lock_init(&chunk->lock);
	chunk->area = area;
	chunk->number = number;
	INIT_LIST_HEAD(&chunk->waiters);
	INIT_LIST_HEAD(&chunk->queue_link);
	return chunk;
}

static unsigned int chunk_pages(const struct chunk *chunk)
{
	u64 sectors = diff_area_chunk_sectors(chunk->area, chunk->number);

	return DIV_ROUND_UP_ULL(sectors << SECTOR_SHIFT, PAGE_SIZE);
}

static unsigned int unit_page(const struct chunk *chunk, unsigned int unit)
{
	unsigned int shift = chunk->area->unit_shift + SECTOR_SHIFT -
			     PAGE_SHIFT;

	return min(unit << shift, chunk_pages(chunk));
}

/* Gives back the pages of some units, or of the rest: from, to are pages. */
static void pages_put(struct chunk *chunk, struct page **pages,
		      unsigned int from, unsigned int to)
{
	struct diff_buffer_pool *pool = &chunk->area->storage->pool;

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
	struct page **pages = chunk->pages;

	lockdep_assert_held(&chunk->lock);
	if (!pages || chunk->busy || chunk->storing || chunk->pins)
		return NULL;
	if ((chunk->inmem & ~chunk->stored) && !diff_area_error(chunk->area))
		return NULL;
	chunk->inmem = 0;
	chunk->pages = NULL;
	return pages;
}

static void chunk_trimmed(struct chunk *chunk, struct page **pages)
{
	struct diff_buffer_pool *pool = &chunk->area->storage->pool;

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
	diff_storage_enqueue(chunk->area->storage, chunk);
}

/* Without the lock. */
bool chunk_has(struct chunk *chunk, u64 units)
{
	/* pairs with the release that sets the bits, in units_loaded() */
	return (smp_load_acquire(&chunk->saved) & units) == units;
}

static void units_loaded(struct chunk *chunk, u64 units, int error)
{
	struct diff_area *area = chunk->area;
	LIST_HEAD(waiters);
	struct page **pages;
	unsigned long flags;

	if (error)
		diff_area_corrupt(area, error);
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
	if (wq_has_sleeper(&area->copied))
		wake_up_all(&area->copied);
}

static void units_stored(struct chunk *chunk, u64 units, int error)
{
	struct page **pages;
	unsigned long flags;

	if (error)
		diff_area_corrupt(chunk->area, error);
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

static void transfer_put(struct transfer *transfer)
{
	struct chunk *chunk = transfer->chunk;
	struct diff_area *area = chunk->area;
	struct diff_storage *storage = area->storage;
	u64 units = transfer->units;
	bool store = transfer->store;
	int error;

	if (!atomic_dec_and_test(&transfer->pending))
		return;
	error = transfer->error;
	mempool_free(transfer, &transfers);
	if (store) {
		units_stored(chunk, units, error);
		diff_storage_stored(storage);
	} else {
		units_loaded(chunk, units, error);
		diff_area_put(area);
	}
}

static void transfer_end(struct bio *bio)
{
	struct transfer *transfer = bio->bi_private;

	/* Whatever ails the device: to a client it is EIO. */
	if (bio->bi_status)
		WRITE_ONCE(transfer->error, -EIO);
	bio_put(bio);
	transfer_put(transfer);
}

/* Bios for one run of pages. The last page of the device may be cut. */
static void transfer_run(struct transfer *transfer, struct block_device *bdev,
			 u64 sector, blk_opf_t opf, unsigned int from,
			 unsigned int to)
{
	struct chunk *chunk = transfer->chunk;
	u64 bytes = diff_area_chunk_sectors(chunk->area, chunk->number) <<
		    SECTOR_SHIFT;
	bool whole = bdev != chunk->area->bdev || transfer->store;

	while (from < to) {
		unsigned int count = min_t(unsigned int, to - from,
					   BIO_MAX_VECS);
		struct bio *bio = bio_alloc_bioset(bdev, count, opf, GFP_NOIO,
						   &transfer_bios);

		bio->bi_iter.bi_sector = sector + ((u64)from <<
						   (PAGE_SHIFT - SECTOR_SHIFT));
		bio->bi_private = transfer;
		bio->bi_end_io = transfer_end;
		for (; count; count--, from++) {
			u64 at = (u64)from << PAGE_SHIFT;
			unsigned int len = PAGE_SIZE;

			if (!whole)
				len = min_t(u64, len, bytes - at);
			if (len < PAGE_SIZE)
				zero_user_segment(chunk->pages[from], len,
						  PAGE_SIZE);
			__bio_add_page(bio, chunk->pages[from], len, 0);
		}
		atomic_inc(&transfer->pending);
		submit_unhooked(bio);
	}
}

/* The length of the run of bits that begins at unit. */
static unsigned int run_of(u64 units, unsigned int unit)
{
	u64 run = units >> unit;

	return ~run ? __ffs64(~run) : CHUNK_UNITS_MAX;
}

static void transfer_submit(struct transfer *transfer,
			    struct block_device *bdev, u64 sector,
			    blk_opf_t opf)
{
	struct chunk *chunk = transfer->chunk;
	u64 left = transfer->units;

	while (left) {
		unsigned int first = __ffs64(left);
		unsigned int count = run_of(left, first);

		transfer_run(transfer, bdev, sector, opf,
			     unit_page(chunk, first),
			     unit_page(chunk, first + count));
		left &= ~GENMASK_ULL(first + count - 1, first);
	}
	transfer_put(transfer);
}

static struct transfer *transfer_make(struct chunk *chunk, u64 units,
				      bool store)
{
	struct transfer *transfer = mempool_alloc(&transfers, GFP_NOIO);

	transfer->chunk = chunk;
	transfer->units = units;
	transfer->store = store;
	transfer->error = 0;
	atomic_set(&transfer->pending, 1);
	return transfer;
}

/* Pages for units that the caller made busy. */
static int units_populate(struct chunk *chunk, u64 units)
{
	struct diff_buffer_pool *pool = &chunk->area->storage->pool;
	struct page **pages = READ_ONCE(chunk->pages);
	unsigned long flags;
	unsigned int unit;

	if (!pages) {
		struct page **fresh = kvcalloc(chunk_pages(chunk),
					       sizeof(*fresh), BUFFER_GFP);

		if (!fresh)
			return -ENOMEM;
		spin_lock_irqsave(&chunk->lock, flags);
		if (!chunk->pages)
			swap(chunk->pages, fresh);
		pages = chunk->pages;
		spin_unlock_irqrestore(&chunk->lock, flags);
		kvfree(fresh);
	}
	for (unit = 0; unit < CHUNK_UNITS_MAX; unit++) {
		unsigned int page = unit_page(chunk, unit);
		unsigned int end = unit_page(chunk, unit + 1);

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

/* Begins to read units, made busy by the caller, from where they are. */
static bool units_load(struct chunk *chunk, u64 units, bool from_storage)
{
	struct diff_area *area = chunk->area;
	int ret = units_populate(chunk, units);
	struct transfer *transfer;

	if (ret) {
		units_loaded(chunk, units, ret);
		return false;
	}
	diff_area_get(area);
	transfer = transfer_make(chunk, units, false);
	if (from_storage)
		transfer_submit(transfer, chunk->place.bdev,
				chunk->place.sector, REQ_OP_READ | REQ_SYNC);
	else
		transfer_submit(transfer, area->bdev,
				diff_area_chunk_start(area, chunk->number),
				REQ_OP_READ | REQ_SYNC);
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
void chunk_store(struct chunk *chunk)
{
	struct diff_area *area = chunk->area;
	struct diff_storage *storage = area->storage;
	struct page **pages = NULL;
	u64 units;

	spin_lock_irq(&chunk->lock);
	chunk->queued = false;
	units = chunk->inmem & ~chunk->stored & ~chunk->busy;
	if (diff_area_error(area) || chunk->storing || !chunk->place.bdev)
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
	transfer_submit(transfer_make(chunk, units, true), chunk->place.bdev,
			chunk->place.sector, REQ_OP_WRITE | REQ_SYNC);
}

static bool units_idle(struct chunk *chunk, u64 units)
{
	return !(READ_ONCE(chunk->busy) & units);
}

/* How many units from that one on are not kept by us, at this moment. */
unsigned int chunk_live_run(struct chunk *chunk, unsigned int unit)
{
	/* pairs with the release that sets the bits, in units_loaded() */
	u64 saved = smp_load_acquire(&chunk->saved) >> unit;

	return saved ? __ffs64(saved) : CHUNK_UNITS_MAX - unit;
}

/*
 * Where a unit is to be read from, once nobody is at it; run is the count of
 * units from there on of which the same is true.
 */
enum chunk_source chunk_source(struct chunk *chunk, unsigned int unit,
			       unsigned int *run)
{
	u64 bit = BIT_ULL(unit);
	enum chunk_source source;

	spin_lock_irq(&chunk->lock);
	while ((chunk->saved & bit) && (chunk->busy & bit)) {
		spin_unlock_irq(&chunk->lock);
		wait_event_idle(chunk->area->copied, units_idle(chunk, bit));
		spin_lock_irq(&chunk->lock);
	}
	if (!(chunk->saved & bit)) {
		source = CHUNK_LIVE;
		*run = run_of(~chunk->saved, unit);
	} else if (chunk->inmem & bit) {
		source = CHUNK_MEMORY;
		*run = run_of(chunk->inmem & ~chunk->busy, unit);
		chunk->pins++;
	} else {
		source = CHUNK_STORED;
		*run = run_of(chunk->saved & ~chunk->inmem & ~chunk->busy,
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
	struct diff_area *area = chunk->area;
	u64 live, stored;
	int ret;

	spin_lock_irq(&chunk->lock);
	chunk->pins++;
	for (;;) {
		if (diff_area_error(area)) {
			ret = -EIO;
			goto unpin;
		}
		if (chunk->busy & units) {
			spin_unlock_irq(&chunk->lock);
			wait_event_idle(area->copied,
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
	diff_area_corrupt(area, ret);
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
	units_loaded(chunk, units, error);
	chunk_unpin(chunk);
}

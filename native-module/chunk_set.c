// SPDX-License-Identifier: GPL-2.0
#include <linux/log2.h>
#include "chunk_set.h"
#include "params.h"
#include "units.h"

/* All but the calls of user. */
void chunk_set_init(struct chunk_set *set, struct block_device *bdev,
		    struct diff_storage *storage)
{
	unsigned int shift;

	set->storage = storage;
	set->bdev = bdev;
	set->capacity = bdev_nr_sectors(bdev);
	shift = params_chunk_shift(set->capacity << SECTOR_SHIFT,
				   bdev_io_min(bdev));
	set->shift = shift - SECTOR_SHIFT;
	set->unit_shift = max_t(unsigned int, PAGE_SHIFT,
				shift - ilog2(UNITS_MAX)) - SECTOR_SHIFT;
	INIT_LIST_HEAD(&set->user.link);
	set->user.sectors = 1ULL << set->shift;
	set->user.block_size = bdev_logical_block_size(bdev);
	set->user.error = 0;
	init_waitqueue_head(&set->copied);
	refcount_set(&set->refs, 1);
	init_completion(&set->idle);
	refcount_set(&set->live, 1);
	set->gone = false;
	init_completion(&set->unread);
}

bool chunk_set_try_get(struct chunk_set *set)
{
	return refcount_inc_not_zero(&set->refs);
}

void chunk_set_get(struct chunk_set *set)
{
	refcount_inc(&set->refs);
}

void chunk_set_put(struct chunk_set *set)
{
	/* The one who waits may free set as soon as complete() tells it. */
	if (refcount_dec_and_test(&set->refs))
		complete(&set->idle);
}

/* Drops the maker's reference and waits for all others. */
void chunk_set_wait_idle(struct chunk_set *set)
{
	chunk_set_put(set);
	wait_for_completion_io(&set->idle);
}

bool chunk_set_live_get(struct chunk_set *set)
{
	return refcount_inc_not_zero(&set->live);
}

void chunk_set_live_put(struct chunk_set *set)
{
	if (refcount_dec_and_test(&set->live))
		complete_all(&set->unread);
}

void chunk_set_gone(struct chunk_set *set)
{
	if (!xchg(&set->gone, true))
		chunk_set_live_put(set);
	wait_for_completion_io(&set->unread);
}

/* The units of a chunk that [sector, end) touches. */
u64 chunk_set_units(const struct chunk_set *set, u32 number, u64 sector,
		    u64 end)
{
	u64 start = chunk_set_start(set, number);
	u64 from = max(sector, start) - start;
	u64 to = min(end, start + (1ULL << set->shift)) - start - 1;

	return GENMASK_ULL(to >> set->unit_shift, from >> set->unit_shift);
}

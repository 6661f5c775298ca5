// SPDX-License-Identifier: GPL-2.0
#include <linux/wait.h>
#include "chunk_access.h"
#include "chunk_copy.h"
#include "units.h"

static bool units_idle(struct chunk *chunk, u64 units)
{
	return !(READ_ONCE(chunk->busy) & units);
}

/* The same, and that they are not being stored: they may be overwritten. */
static bool units_still(struct chunk *chunk, u64 units)
{
	return units_idle(chunk, units) && !(READ_ONCE(chunk->storing) & units);
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
 * pages are there, and it ends with chunk_close(). ENOMEM: nothing has changed.
 */
int chunk_open(struct chunk *chunk, u64 units, u64 partial)
{
	struct chunk_set *set = chunk_set_of(chunk);
	u64 live, stored;
	bool loads;
	int ret;

	spin_lock_irq(&chunk->lock);
	chunk->pins++;
	for (;;) {
		if (chunk_set_error(set)) {
			ret = -EIO;
			goto unpin;
		}
		if ((chunk->busy | chunk->storing) & units) {
			spin_unlock_irq(&chunk->lock);
			wait_event_idle(set->copied,
					units_still(chunk, units));
			spin_lock_irq(&chunk->lock);
			continue;
		}
		live = partial & ~chunk->saved;
		stored = partial & chunk->saved & ~chunk->inmem;
		if (!live && !stored)
			break;
		chunk->busy |= live | stored;
		spin_unlock_irq(&chunk->lock);
		loads = !live || chunk_load(chunk, live, false);
		if (stored)
			loads &= chunk_load(chunk, stored, true);
		spin_lock_irq(&chunk->lock);
		if (!loads) {
			ret = -ENOMEM;
			goto unpin;
		}
	}
	chunk->busy |= units;
	spin_unlock_irq(&chunk->lock);
	ret = chunk_populate(chunk, units);
	if (!ret)
		return 0;
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
		spin_unlock_irq(&chunk->lock);
	}
	chunk_loaded(chunk, units, error);
	chunk_unpin(chunk);
}

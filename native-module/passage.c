// SPDX-License-Identifier: GPL-2.0
#include <linux/slab.h>
#include "filter.h"
#include "passage.h"
#include "submit.h"

/* Passages of one filter that can be had even when memory is short. */
#define PASSAGES_MIN	64

/* Ends of chained bios within each other, before the worker takes over. */
#define DEPTH_MAX	4

static struct kmem_cache *passage_cache;
static bio_end_io_t *chain_end;	/* the block layer's own, of bio_chain() */

int passage_start(void)
{
	struct bio child, parent;

	bio_init(&parent, NULL, NULL, 0, 0);
	bio_init(&child, NULL, NULL, 0, 0);
	bio_chain(&child, &parent);
	chain_end = child.bi_end_io;

	passage_cache = KMEM_CACHE(passage, SLAB_HWCACHE_ALIGN);
	return passage_cache ? 0 : -ENOMEM;
}

void passage_stop(void)
{
	kmem_cache_destroy(passage_cache);
}

int passage_pool_init(mempool_t *pool)
{
	return mempool_init_slab_pool(pool, PASSAGES_MIN, passage_cache);
}

static void passage_end(struct bio *bio);

/* The outermost passage of a bio, or NULL. */
static struct passage *passage_of(struct bio *bio)
{
	/* pairs with the release in passage_begin() */
	if (smp_load_acquire(&bio->bi_end_io) != passage_end)
		return NULL;
	return READ_ONCE(bio->bi_private);
}

/*
 * Chained bios (a long discard is a chain of thousands) end within each
 * other when the first is the last to end. The block layer makes a loop of
 * that, but does not see it through us; so we count how deep we are, and
 * leave the rest to the worker.
 */
static bool too_deep(struct passage *passage, struct bio *bio)
{
	struct filter *filter = passage->filter;
	struct passage *next = NULL;
	unsigned long flags;

	if (passage->depth >= DEPTH_MAX) {
		rcu_read_lock(); /* for filter_free(): the worker may be quick */
		spin_lock_irqsave(&filter->lock, flags);
		bio_list_add(&filter->ended, bio);
		spin_unlock_irqrestore(&filter->lock, flags);
		queue_work(filter->wq, &filter->work);
		rcu_read_unlock();
		return true;
	}
	if (passage->end_io == chain_end) /* the parent ends after this one */
		next = passage_of(passage->private);
	else if (passage->end_io == passage_end)
		next = passage->private;
	if (next)
		WRITE_ONCE(next->depth, passage->depth + 1);
	return false;
}

static void passage_end(struct bio *bio)
{
	struct passage *passage = bio->bi_private;
	struct filter *filter = passage->filter;

	submit_enter();
	if (!too_deep(passage, bio)) {
		bio->bi_end_io = passage->end_io;
		bio->bi_private = passage->private;
		mempool_free(passage, &filter->passages);
		percpu_ref_put(&filter->inflight);
		if (bio->bi_end_io)
			bio->bi_end_io(bio);
	}
	submit_leave();
}

/* The worker's: an end that was left to it. */
void passage_end_on(struct bio *bio)
{
	passage_of(bio)->depth = 0;
	passage_end(bio);
}

void passage_begin(struct passage *passage, struct filter *filter,
		   struct bio *bio)
{
	passage->filter = filter;
	passage->bio = bio;
	passage->area = NULL;
	passage->depth = 0;
	passage->end_io = bio->bi_end_io;
	passage->private = bio->bi_private;
	bio->bi_private = passage;
	/* pairs with passage_of() */
	smp_store_release(&bio->bi_end_io, passage_end);
}

/* Whether the bio has passed that filter. */
bool passage_found(struct bio *bio, struct filter *filter)
{
	bio_end_io_t *end_io = bio->bi_end_io;
	void *private = bio->bi_private;

	while (end_io == passage_end) {
		struct passage *passage = private;

		if (passage->filter == filter)
			return true;
		end_io = passage->end_io;
		private = passage->private;
	}
	return false;
}

/*
 * Whether the bio comes to its disk again, past filters that it has passed: as
 * the rest of one that was split, or sent anew by the driver.
 */
bool notrace passage_is_of_rest(struct bio *bio)
{
	bio_end_io_t *end_io = bio->bi_end_io;
	void *private = bio->bi_private;

	while (end_io == passage_end) {
		struct passage *passage = private;

		if (passage->filter->bdev->bd_disk == bio->bi_bdev->bd_disk)
			return true;
		end_io = passage->end_io;
		private = passage->private;
	}
	return false;
}

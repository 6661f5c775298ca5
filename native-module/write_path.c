// SPDX-License-Identifier: GPL-2.0
/*
 * The way of a write through the filters of its device: the gate, the mark in
 * the map, the copy of what it will overwrite.
 *
 * A submitter never waits here. Where waiting is needed (the gate is closed,
 * a copy is to be made, memory is short) the bio is kept and the filter's
 * worker submits it later; a no-wait bio is answered EAGAIN. Its copy is begun
 * all the same: some writers (polled ones) have no other way than to try again.
 *
 * The worker never sleeps for what may wait for the worker: passages.
 */
#include <linux/blkdev.h>
#include <linux/sched/mm.h>
#include "diff_area.h"
#include "diff_storage.h"
#include "filter.h"
#include "filter_table.h"
#include "params.h"
#include "passage.h"
#include "submit.h"
#include "write_path.h"

/* Copies at a time that were begun for writes that did not wait for them. */
#define AHEAD_MAX	64
/* After that time the worker looks again for passages when all are in use. */
#define HUNGRY_MS	10

/* The next filter on the bio's way, under rcu_read_lock(). */
static struct filter *next_filter(struct bio *bio)
{
	struct block_device *bdev = bio->bi_bdev;
	struct block_device *whole = bdev->bd_disk->part0;
	struct filter *filter = filter_find(bdev);

	if (filter && !passage_found(bio, filter))
		return filter;
	if (bdev == whole)
		return NULL;
	filter = filter_find(whole);
	return filter && !passage_found(bio, filter) ? filter : NULL;
}

/* Where the bio begins, as the filter's device counts. */
static u64 filter_sector(const struct filter *filter, struct bio *bio)
{
	u64 sector = bio->bi_iter.bi_sector;
	u64 start = bio->bi_bdev->bd_start_sect;
	bool absolute = bio_flagged(bio, BIO_REMAPPED);

	if (filter->bdev == bio->bi_bdev)
		return absolute ? sector - start : sector;
	return absolute ? sector : sector + start;
}

static bool must_not_wait(const struct bio *bio)
{
	return bio->bi_opf & REQ_NOWAIT;
}

/* To the worker, which sends it through all filters left. */
static void park(struct filter *filter, struct bio *bio)
{
	unsigned long flags;

	bio_clear_polled(bio);
	spin_lock_irqsave(&filter->lock, flags);
	bio_list_add(&filter->parked, bio);
	spin_unlock_irqrestore(&filter->lock, flags);
}

/*
 * A passage for the bio. NULL, when all are in use: the bio was ended, or kept
 * for the worker; the worker itself comes back to it later, for those in use
 * may be waiting for the worker.
 */
static struct passage *passage_for(struct filter *filter, struct bio *bio,
				   bool worker)
{
	struct passage *passage = mempool_alloc(&filter->passages,
						GFP_NOWAIT | __GFP_NOWARN);

	if (likely(passage))
		return passage;
	if (must_not_wait(bio)) {
		bio_wouldblock_error(bio);
		return NULL;
	}
	if (worker) {
		park(filter, bio);
		queue_delayed_work(filter->wq, &filter->again,
				   msecs_to_jiffies(HUNGRY_MS));
		return NULL;
	}
	if (!current->bio_list)
		return mempool_alloc(&filter->passages, GFP_NOIO);
	park(filter, bio);
	queue_work(filter->wq, &filter->work);
	return NULL;
}

static void to_worker(struct passage *passage)
{
	struct filter *filter = passage->filter;
	unsigned long flags;

	rcu_read_lock(); /* for filter_free(): the worker may be quick */
	spin_lock_irqsave(&filter->lock, flags);
	list_add_tail(&passage->copy.waiter.link, &filter->woken);
	spin_unlock_irqrestore(&filter->lock, flags);
	queue_work(filter->wq, &filter->work);
	rcu_read_unlock();
}

/* Any context. */
static void passage_wake(struct copy_waiter *waiter)
{
	to_worker(container_of(waiter, struct passage, copy.waiter));
}

/* The area, referenced, if something of the range must be copied first. */
static struct diff_area *area_to_copy(struct filter *filter, u64 sector,
				      u64 count)
{
	struct diff_area *area;

	rcu_read_lock();
	area = rcu_dereference(filter->area);
	if (area)
		diff_area_check_medium(area);
	if (area && (diff_area_has(area, sector, count) ||
		     !chunk_set_try_get(&area->set)))
		area = NULL;
	rcu_read_unlock();
	return area;
}

static bool passage_carry_on(struct passage *passage)
{
	struct diff_area *area = passage->area;

	if (!diff_area_preserve(area, &passage->copy))
		return false;
	passage->area = NULL;
	chunk_set_put(&area->set);
	return true;
}

/* A passage that no bio goes by, and the inflight that was held for it. */
static void passage_drop(struct passage *passage, struct filter *filter)
{
	mempool_free(passage, &filter->passages);
	percpu_ref_put(&filter->inflight);
}

/*
 * The worker copies what a write must have copied that does not wait for it;
 * at most AHEAD_MAX at a time, and nothing that is on its way already. The
 * passage, the area's reference and inflight are handed over.
 */
static void copy_ahead(struct passage *passage, struct filter *filter,
		       struct diff_area *area, u64 sector, u64 count)
{
	if (diff_area_under_way(area, sector, count) ||
	    !atomic_add_unless(&filter->ahead, 1, AHEAD_MAX)) {
		chunk_set_put(&area->set);
		passage_drop(passage, filter);
		return;
	}
	passage->filter = filter;
	passage->bio = NULL;
	passage->area = area;
	diff_area_request(area, &passage->copy, sector, count, passage_wake);
	to_worker(passage);
}

static void copied_ahead(struct passage *passage)
{
	struct filter *filter = passage->filter;

	atomic_dec(&filter->ahead);
	passage_drop(passage, filter);
}

/*
 * Past one filter, whose inflight is held for it: true when the bio may go
 * on, false when it was kept or ended.
 */
static bool enter(struct filter *filter, struct bio *bio, bool worker)
{
	u64 sector = filter_sector(filter, bio);
	u64 count = bio_sectors(bio);
	u64 capacity = bdev_nr_sectors(filter->bdev);
	struct passage *passage = passage_for(filter, bio, worker);
	struct diff_area *area = NULL;

	if (unlikely(!passage)) {
		percpu_ref_put(&filter->inflight);
		return false;
	}
	if (likely(sector < capacity)) {
		count = min(count, capacity - sector);
		area = area_to_copy(filter, sector, count);
	}
	/* It may be left undone: then nothing changes, and nothing is copied. */
	if (area && bio_op(bio) == REQ_OP_DISCARD && params_discard_swallow()) {
		chunk_set_put(&area->set);
		passage_drop(passage, filter);
		bio_endio(bio);
		return false;
	}
	if (area && must_not_wait(bio)) {
		copy_ahead(passage, filter, area, sector, count);
		bio_wouldblock_error(bio);
		return false;
	}
	passage_begin(passage, filter, bio);
	/* Bio-based drivers keep things of their own in a polled bio. */
	if (bio->bi_bdev->bd_disk->fops->submit_bio)
		bio_clear_polled(bio);
	/* The device has shrunk since the bio was checked: it will be refused. */
	if (unlikely(sector >= capacity))
		return true;
	cbt_mark(&filter->cbt, sector, count);
	if (likely(!area))
		return true;

	bio_clear_polled(bio);
	passage->area = area;
	diff_area_request(area, &passage->copy, sector, count, passage_wake);
	if (current->bio_list) {
		to_worker(passage);
		return false;
	}
	return passage_carry_on(passage);
}

static bool pass_filters(struct bio *bio, bool worker)
{
	struct filter *filter;

	if (!bio_sectors(bio) || diff_storage_is_worker())
		return true;
	for (;;) {
		rcu_read_lock();
		filter = next_filter(bio);
		if (!filter) {
			rcu_read_unlock();
			return true;
		}
		if (likely(percpu_ref_tryget_live_rcu(&filter->inflight))) {
			rcu_read_unlock();
			if (!enter(filter, bio, worker))
				return false;
			if (filter->bdev == bio->bi_bdev->bd_disk->part0)
				return true; /* the disk's is the last */
			continue;
		}
		if (!filter_try_get(filter)) {
			/* on its way out, and out of the table */
			rcu_read_unlock();
			continue;
		}
		rcu_read_unlock();
		if (filter_hold(filter, bio, must_not_wait(bio))) {
			filter_put(filter);
			return false;
		}
		filter_put(filter);
	}
}

/*
 * True: the caller submits the bio. False: it was kept, or ended. Finds what
 * filters the bio has still to pass, so that it can be called again for it.
 */
bool write_path_submit(struct bio *bio)
{
	return pass_filters(bio, false);
}

/* The worker of a filter: what was kept goes on. Never in a bio_list. */
static void write_path_work(struct work_struct *work)
{
	struct filter *filter = container_of(work, struct filter, work);
	unsigned int noio = memalloc_noio_save();
	struct passage *passage, *next;
	struct blk_plug plug;
	struct bio_list bios, ended;
	LIST_HEAD(woken);
	struct bio *bio;

	spin_lock_irq(&filter->lock);
	bios = filter->parked;
	bio_list_init(&filter->parked);
	ended = filter->ended;
	bio_list_init(&filter->ended);
	list_splice_init(&filter->woken, &woken);
	spin_unlock_irq(&filter->lock);

	while ((bio = bio_list_pop(&ended)))
		passage_end_on(bio);
	blk_start_plug(&plug);
	list_for_each_entry_safe(passage, next, &woken, copy.waiter.link) {
		list_del_init(&passage->copy.waiter.link);
		bio = passage->bio;
		if (!passage_carry_on(passage))
			continue;
		if (!bio)
			copied_ahead(passage);
		else if (pass_filters(bio, true))
			submit_unhooked(bio);
	}
	while ((bio = bio_list_pop(&bios)))
		if (pass_filters(bio, true))
			submit_unhooked(bio);
	blk_finish_plug(&plug);
	memalloc_noio_restore(noio);
}

static void write_path_again(struct work_struct *work)
{
	struct filter *filter = container_of(to_delayed_work(work),
					     struct filter, again);

	write_path_work(&filter->work);
}

int write_path_set_up(struct filter *filter)
{
	INIT_WORK(&filter->work, write_path_work);
	INIT_DELAYED_WORK(&filter->again, write_path_again);
	return passage_pool_init(&filter->passages);
}

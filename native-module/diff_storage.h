/* SPDX-License-Identifier: GPL-2.0 */
#ifndef BLKSNAP_DIFF_STORAGE_H
#define BLKSNAP_DIFF_STORAGE_H

#include <linux/atomic.h>
#include <linux/blkdev.h>
#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include "diff_buffer.h"
#include "uapi/blksnap.h"

struct event_queue;
struct storage_item;

/* Where an item lies in the difference storage. */
struct storage_place {
	struct block_device *bdev;
	u64 sector;
};

/*
 * Whoever has items stored: one device of the snapshot. Its items are of one
 * size. With its first error it gets no place any more.
 */
struct storage_user {
	struct list_head link;		/* in storage->users, constant */
	u64 sectors;			/* of an item's place */
	unsigned int block_size;	/* logical, bytes: a place suits it */
	int error;			/* 0, or the first; set once */
	/*
	 * The worker begins to store an item: in its place, if it has one. Ends
	 * with diff_storage_stored(), in any context.
	 */
	void (*store)(struct storage_item *item);
	/* Sets error. Any context. */
	void (*fail)(struct storage_user *user, int error);
};

/* What is stored as a whole, in one place. */
struct storage_item {
	struct storage_user *user;
	struct list_head link;		/* in storage->queue, its lock */
	struct storage_place place;	/* the worker's, until stored */
};

/*
 * The difference storage of a snapshot: the pool of ranges, from which places
 * are given out in order as items are stored first; and the store worker, a
 * thread that has stored there what waits in the queue.
 *
 * A range is appended at its end and never given back before the snapshot
 * goes. The worker lives from the take to the destruction.
 */
struct diff_storage {
	spinlock_t lock;	/* ranges, devices, numbers below; leaf */
	struct list_head ranges;
	struct list_head devices;
	struct storage_range *current_range;
	u64 capacity;		/* sectors, all ranges */
	u64 filled;		/* sectors, given out or skipped */
	u64 requested;		/* sectors, asked for by events */
	u64 ask;		/* sectors to ask for by the next event */
	struct event_queue *events;

	struct list_head users;	/* constant while the worker runs */

	spinlock_t queue_lock;	/* queue, queued; leaf, irq-safe */
	struct list_head queue;
	unsigned int queued;
	struct task_struct *worker;
	wait_queue_head_t work;
	wait_queue_head_t done;
	atomic_t in_flight;
	atomic_long_t progress;
	long progress_seen;	/* by pool.watch only */
	struct diff_buffer_pool pool;
};

int diff_storage_init(struct diff_storage *storage, struct event_queue *events);
void diff_storage_destroy(struct diff_storage *storage);

int diff_storage_append(struct diff_storage *storage, const char *path,
			const struct blksnap_sectors __user *ranges,
			u32 count);
bool diff_storage_is_empty(struct diff_storage *storage);

int diff_storage_start(struct diff_storage *storage);
void diff_storage_stop(struct diff_storage *storage);
bool diff_storage_is_worker(void);

void diff_storage_enqueue(struct diff_storage *storage,
			  struct storage_item *item);
void diff_storage_stored(struct diff_storage *storage);

#endif /* BLKSNAP_DIFF_STORAGE_H */

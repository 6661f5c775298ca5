/* SPDX-License-Identifier: GPL-2.0 */
#ifndef BLKSNAP_DIFF_STORAGE_H
#define BLKSNAP_DIFF_STORAGE_H

#include <linux/atomic.h>
#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include "diff_buffer.h"
#include "storage_space.h"

struct storage_item;

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
 * The difference storage of a snapshot: its space, and the store worker, a
 * thread that has stored there what waits in the queue. The worker lives from
 * the take to the destruction.
 */
struct diff_storage {
	struct storage_space space;
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

int diff_storage_start(struct diff_storage *storage);
void diff_storage_stop(struct diff_storage *storage);
bool diff_storage_is_worker(void);

void diff_storage_enqueue(struct diff_storage *storage,
			  struct storage_item *item);
void diff_storage_stored(struct diff_storage *storage);

#endif /* BLKSNAP_DIFF_STORAGE_H */

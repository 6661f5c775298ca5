/* SPDX-License-Identifier: GPL-2.0 */
#ifndef BLKSNAP_FILTER_H
#define BLKSNAP_FILTER_H

#include <linux/atomic.h>
#include <linux/bio.h>
#include <linux/blkdev.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mempool.h>
#include <linux/percpu-refcount.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include "cbt.h"
#include "uapi/blksnap.h"

struct diff_area;
struct snapshot;

/*
 * The filter of one block device, from attach to detach, or until the device
 * goes away.
 *
 * Gate: every write that passes holds inflight until it has ended (see
 * passage.h). A take closes the gate, which kills inflight: writes are then
 * put on held; and waits for zero. Only one snapshot has the filter, so only
 * one closes it at a time.
 *
 * References: the table holds one, the snapshot one. With the last of them
 * inflight is killed for good (dying), and its zero frees the filter.
 *
 * The block device is not held open, and nothing of its driver is held, so that
 * neither's removal is hindered. The inodes that its structures belong to are
 * held: so these can be looked at even when the device is gone, but nothing can
 * be submitted to it then (chunk_set_live_get()), nor its queue be looked at.
 */
struct filter {
	struct hlist_node hash;		/* filters_mutex; readers: RCU */
	struct kref ref;
	struct block_device *bdev;
	struct inode *whole;		/* of the disk; holds its structures */
	struct percpu_ref inflight;
	mempool_t passages;

	spinlock_t lock;	/* closed and lists; leaf, irq-safe */
	bool closed;
	struct bio_list held;		/* until the gate opens */
	struct bio_list parked;		/* for the worker, from the start */
	struct bio_list ended;		/* for the worker, to be ended */
	struct list_head woken;		/* passages for the worker */
	struct workqueue_struct *wq;
	struct work_struct work;
	struct delayed_work again;	/* work, after a moment */
	atomic_t ahead;		/* copies that no write waits for */
	wait_queue_head_t drained;

	struct cbt cbt;
	struct diff_area __rcu *area;	/* set, cleared by its snapshot */
	struct snapshot *member;	/* filters_mutex */
	char image[BLKSNAP_IMAGE_NAME_LENGTH];	/* filters_mutex */
	bool ready;			/* attached; filters_mutex */
	bool gone;			/* the device was removed; sticky */

	bool dying;
	struct work_struct free_work;
};

/*
 * How many filters there are. Not a static key: patching the code stops all
 * CPUs for a moment, and every write comes by there.
 */
extern atomic_t filter_count;

static __always_inline bool filters_attached(void)
{
	return atomic_read(&filter_count);
}

int filter_start(void);
void filter_stop(void);

struct filter *filter_make(struct block_device *bdev,
			   int (*set_up)(struct filter *filter));
bool filter_try_get(struct filter *filter);
void filter_put(struct filter *filter);
void filter_wait_freed(void);

/* The gate. */
void filter_calm_begin(struct filter *filter);
void filter_calm_wait(struct filter *filter);
int filter_close(struct filter *filter, unsigned int timeout_ms);
void filter_open(struct filter *filter);
void filter_uncalm(struct filter *filter);
bool filter_hold(struct filter *filter, struct bio *bio, bool nowait);

void filter_arm(struct filter *filter, struct diff_area *area);
void filter_disarm(struct filter *filter);

#endif /* BLKSNAP_FILTER_H */

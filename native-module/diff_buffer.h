/* SPDX-License-Identifier: GPL-2.0 */
#ifndef BLKSNAP_DIFF_BUFFER_H
#define BLKSNAP_DIFF_BUFFER_H

#include <linux/atomic.h>
#include <linux/gfp.h>
#include <linux/list.h>
#include <linux/mm_types.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

/* Somebody who waits for a copy, or for memory to copy into. */
struct copy_waiter {
	struct list_head link;
	void (*wake)(struct copy_waiter *waiter);
};

void copy_waiters_wake(struct list_head *waiters);

/*
 * The pages that hold old content of one snapshot's devices until it is
 * stored.
 *
 * There is a bound (limit), and one for all snapshots: above it nobody begins a
 * further copy, but waits on starved until the store worker has given pages
 * back. What one copy takes may go beyond it. Pages given back are kept for
 * reuse up to free_diff_buffer_pool_size chunks of them, while memory is not
 * short.
 */
struct diff_buffer_pool {
	struct list_head link;
	spinlock_t lock;	/* free, free_count, starved; leaf, irq-safe */
	struct list_head free;
	unsigned long free_count;
	struct list_head starved;
	atomic_long_t used;
	long limit;
	unsigned long pages_per_chunk;
	wait_queue_head_t room;
	/* Watches over the starved: see diff_storage_stalled(). */
	struct delayed_work watch;
	/* Feeds those who had no memory. */
	struct delayed_work retry;
	unsigned long hungry_since;	/* jiffies; 0: memory was had since */
};

/* How long copying may stand still for want of memory before it is given up */
#define STALL_SECONDS	30

int diff_buffer_engine_start(void);
void diff_buffer_engine_stop(void);

void diff_buffer_pool_init(struct diff_buffer_pool *pool);
void diff_buffer_pool_size(struct diff_buffer_pool *pool,
			   unsigned long pages_per_chunk);
void diff_buffer_pool_stop(struct diff_buffer_pool *pool);
void diff_buffer_pool_destroy(struct diff_buffer_pool *pool);

/*
 * An allocation for a copy must neither start I/O nor wait without end for
 * memory that only the write held back by us would free; nor take of the
 * reserves of those who free memory, who may be the ones that write.
 */
#define BUFFER_GFP	(GFP_NOIO | __GFP_RETRY_MAYFAIL | __GFP_NOMEMALLOC | \
			 __GFP_NOWARN)

struct page *diff_buffer_get(struct diff_buffer_pool *pool);
void diff_buffer_put(struct diff_buffer_pool *pool, struct page *page);

bool diff_buffer_room(struct diff_buffer_pool *pool, unsigned int seconds,
		      const int *over);
bool diff_buffer_full(struct diff_buffer_pool *pool);
bool diff_buffer_starve(struct diff_buffer_pool *pool,
			struct copy_waiter *waiter);
bool diff_buffer_hunger(struct diff_buffer_pool *pool,
			struct copy_waiter *waiter);
void diff_buffer_watch(struct diff_buffer_pool *pool);
bool diff_buffer_is_starved(struct diff_buffer_pool *pool);
void diff_buffer_feed(struct diff_buffer_pool *pool);

#endif /* BLKSNAP_DIFF_BUFFER_H */

// SPDX-License-Identifier: GPL-2.0
#include <linux/jiffies.h>
#include <linux/mm.h>
#include "diff_buffer.h"
#include "params.h"

/* Chunks' worth of memory per chunk that may wait in the queue. */
#define LIMIT_QUEUES		4
/* The bound is never above this part of the machine's memory. */
#define LIMIT_MEMORY_DIVISOR	8
/* When no memory was to be had for a copy, it is tried again after that. */
#define HUNGRY_MS		50

/* What watches must not need memory to begin. */
static struct workqueue_struct *watch_wq;

int diff_buffer_engine_start(void)
{
	watch_wq = alloc_workqueue("blksnap-watch", WQ_MEM_RECLAIM, 0);
	return watch_wq ? 0 : -ENOMEM;
}

void diff_buffer_engine_stop(void)
{
	destroy_workqueue(watch_wq);
}

void copy_waiters_wake(struct list_head *waiters)
{
	struct copy_waiter *waiter, *next;

	list_for_each_entry_safe(waiter, next, waiters, link) {
		list_del_init(&waiter->link);
		waiter->wake(waiter);
	}
}

static void diff_buffer_retry(struct work_struct *work)
{
	diff_buffer_feed(container_of(to_delayed_work(work),
				      struct diff_buffer_pool, retry));
}

/* watch is called after STALL_SECONDS, if it is not about to be already. */
void diff_buffer_watch(struct diff_buffer_pool *pool)
{
	queue_delayed_work(watch_wq, &pool->watch, STALL_SECONDS * HZ);
}

/* Nobody waits any more. */
void diff_buffer_pool_stop(struct diff_buffer_pool *pool)
{
	cancel_delayed_work_sync(&pool->watch);
	cancel_delayed_work_sync(&pool->retry);
}

void diff_buffer_pool_init(struct diff_buffer_pool *pool)
{
	spin_lock_init(&pool->lock);
	INIT_LIST_HEAD(&pool->free);
	INIT_LIST_HEAD(&pool->starved);
	pool->free_count = 0;
	atomic_long_set(&pool->used, 0);
	pool->limit = LONG_MAX;
	pool->pages_per_chunk = 1;
	init_waitqueue_head(&pool->room);
	pool->hungry_since = 0;
	INIT_DELAYED_WORK(&pool->retry, diff_buffer_retry);
}

/* For chunks of that many pages, the largest of the snapshot. */
void diff_buffer_pool_size(struct diff_buffer_pool *pool,
			   unsigned long pages_per_chunk)
{
	u64 limit = (u64)params_chunk_maximum_in_queue() * LIMIT_QUEUES *
		    pages_per_chunk;

	limit = min_t(u64, limit, totalram_pages() / LIMIT_MEMORY_DIVISOR);
	pool->limit = max_t(u64, limit, 2 * pages_per_chunk);
	pool->pages_per_chunk = pages_per_chunk;
}

void diff_buffer_pool_destroy(struct diff_buffer_pool *pool)
{
	struct page *page, *next;

	list_for_each_entry_safe(page, next, &pool->free, lru) {
		list_del(&page->lru);
		__free_page(page);
	}
	WARN_ON(atomic_long_read(&pool->used));
}

/* A page of any content, or NULL. May sleep. */
struct page *diff_buffer_get(struct diff_buffer_pool *pool)
{
	struct page *page;
	unsigned long flags;

	spin_lock_irqsave(&pool->lock, flags);
	page = list_first_entry_or_null(&pool->free, struct page, lru);
	if (page) {
		list_del(&page->lru);
		pool->free_count--;
	}
	spin_unlock_irqrestore(&pool->lock, flags);
	if (!page)
		page = alloc_page(BUFFER_GFP);
	if (!page)
		return NULL;
	atomic_long_inc(&pool->used);
	if (unlikely(READ_ONCE(pool->hungry_since)))
		WRITE_ONCE(pool->hungry_since, 0);
	return page;
}

/* Any context. Feeds nobody: that is diff_buffer_feed(), once a batch. */
void diff_buffer_put(struct diff_buffer_pool *pool, struct page *page)
{
	unsigned long keep = params_free_diff_buffer_pool_size() *
			     pool->pages_per_chunk;
	unsigned long flags;

	spin_lock_irqsave(&pool->lock, flags);
	if (pool->free_count < keep) {
		list_add(&page->lru, &pool->free);
		pool->free_count++;
		page = NULL;
	}
	spin_unlock_irqrestore(&pool->lock, flags);
	if (page)
		__free_page(page);
	atomic_long_dec(&pool->used);
}

bool diff_buffer_full(struct diff_buffer_pool *pool)
{
	return atomic_long_read(&pool->used) >= READ_ONCE(pool->limit);
}

/* Parks the waiter; false, and not parked, when there is room again. */
bool diff_buffer_starve(struct diff_buffer_pool *pool,
			struct copy_waiter *waiter)
{
	unsigned long flags;
	bool parked;

	spin_lock_irqsave(&pool->lock, flags);
	list_add_tail(&waiter->link, &pool->starved);
	smp_mb(); /* pairs with the one in diff_buffer_feed() */
	parked = diff_buffer_full(pool);
	if (parked) /* before the waiter can be woken, and all be gone */
		diff_buffer_watch(pool);
	else
		list_del_init(&waiter->link);
	spin_unlock_irqrestore(&pool->lock, flags);
	return parked;
}

/*
 * Parks the waiter for a moment, as there was no memory to be had. False, and
 * not parked: there has been none for STALL_SECONDS.
 */
bool diff_buffer_hunger(struct diff_buffer_pool *pool,
			struct copy_waiter *waiter)
{
	unsigned long flags;
	bool parked = true;

	spin_lock_irqsave(&pool->lock, flags);
	if (!pool->hungry_since)
		pool->hungry_since = jiffies ?: 1;
	else if (time_after(jiffies, pool->hungry_since + STALL_SECONDS * HZ))
		parked = false;
	if (parked) {
		list_add_tail(&waiter->link, &pool->starved);
		queue_delayed_work(watch_wq, &pool->retry,
				   msecs_to_jiffies(HUNGRY_MS));
	}
	spin_unlock_irqrestore(&pool->lock, flags);
	return parked;
}

bool diff_buffer_is_starved(struct diff_buffer_pool *pool)
{
	/* whoever comes later looks for room itself */
	return !list_empty_careful(&pool->starved) ||
	       wq_has_sleeper(&pool->room);
}

/* Wakes all starved, whether there is room or not. Any context. */
void diff_buffer_feed(struct diff_buffer_pool *pool)
{
	LIST_HEAD(waiters);
	unsigned long flags;

	smp_mb(); /* what made room before the look at the list */
	if (!list_empty(&pool->starved)) {
		spin_lock_irqsave(&pool->lock, flags);
		list_splice_init(&pool->starved, &waiters);
		spin_unlock_irqrestore(&pool->lock, flags);
		copy_waiters_wake(&waiters);
	}
	wake_up_all(&pool->room);
}

// SPDX-License-Identifier: GPL-2.0
#include <linux/mm.h>
#include "diff_buffer.h"
#include "params.h"

/* Chunks' worth of memory per chunk that may wait in the queue. */
#define LIMIT_QUEUES		4
/* The bound is never above this part of the machine's memory. */
#define LIMIT_MEMORY_DIVISOR	8
/* How long copying may stand still for want of memory before it is given up */
#define STALL_SECONDS		30

void copy_waiters_wake(struct list_head *waiters)
{
	struct copy_waiter *waiter, *next;

	list_for_each_entry_safe(waiter, next, waiters, link) {
		list_del_init(&waiter->link);
		waiter->wake(waiter);
	}
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
	if (page)
		atomic_long_inc(&pool->used);
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
		schedule_delayed_work(&pool->watch, STALL_SECONDS * HZ);
	else
		list_del_init(&waiter->link);
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

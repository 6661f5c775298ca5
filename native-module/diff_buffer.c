// SPDX-License-Identifier: GPL-2.0
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/shrinker.h>
#include "compat/compat.h"
#include "diff_buffer.h"
#include "params.h"

/* Chunks' worth of memory per chunk that may wait in the queue. */
#define LIMIT_QUEUES		4
/* The bound is never above this part of the machine's memory; */
#define LIMIT_MEMORY_DIVISOR	8
/* nor is what all snapshots have, */
#define LIMIT_ALL_DIVISOR	4
/* but for that many chunks, with which each gets on by itself. */
#define LIMIT_LEAST_CHUNKS	2
/* When no memory was to be had for a copy, it is tried again after that. */
#define HUNGRY_MS		50

/* What watches must not need memory to begin. */
static struct workqueue_struct *watch_wq;

/* Pages in use of all pools, and how many they may be. */
static atomic_long_t all_used = ATOMIC_LONG_INIT(0);
static long all_limit;

static DEFINE_SPINLOCK(pools_lock);	/* pools; outside of pool->lock */
static LIST_HEAD(pools);

/* Pages kept for reuse go back when memory is short. */
static unsigned long free_count(struct shrinker *shrinker,
				struct shrink_control *control)
{
	struct diff_buffer_pool *pool;
	unsigned long count = 0;
	unsigned long flags;

	spin_lock_irqsave(&pools_lock, flags);
	list_for_each_entry(pool, &pools, link)
		count += READ_ONCE(pool->free_count);
	spin_unlock_irqrestore(&pools_lock, flags);
	return count ?: SHRINK_EMPTY;
}

static unsigned long free_scan(struct shrinker *shrinker,
			       struct shrink_control *control)
{
	struct diff_buffer_pool *pool;
	unsigned long count = 0;
	struct page *page, *next;
	unsigned long flags;
	LIST_HEAD(pages);

	spin_lock_irqsave(&pools_lock, flags);
	list_for_each_entry(pool, &pools, link) {
		spin_lock(&pool->lock);
		while (pool->free_count && count < control->nr_to_scan) {
			list_move(pool->free.next, &pages);
			pool->free_count--;
			count++;
		}
		spin_unlock(&pool->lock);
	}
	spin_unlock_irqrestore(&pools_lock, flags);
	list_for_each_entry_safe(page, next, &pages, lru)
		__free_page(page);
	return count ?: SHRINK_STOP;
}

static struct shrinker *free_shrinker;

int diff_buffer_engine_start(void)
{
	all_limit = totalram_pages() / LIMIT_ALL_DIVISOR;
	watch_wq = alloc_workqueue("blksnap-watch", WQ_MEM_RECLAIM, 0);
	if (!watch_wq)
		return -ENOMEM;
	free_shrinker = compat_shrinker_make("blksnap-free", free_count,
					     free_scan);
	if (free_shrinker)
		return 0;
	destroy_workqueue(watch_wq);
	return -ENOMEM;
}

void diff_buffer_engine_stop(void)
{
	compat_shrinker_drop(free_shrinker);
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

static void retry_soon(struct diff_buffer_pool *pool)
{
	queue_delayed_work(watch_wq, &pool->retry,
			   msecs_to_jiffies(HUNGRY_MS));
}

static void diff_buffer_retry(struct work_struct *work)
{
	struct diff_buffer_pool *pool =
		container_of(to_delayed_work(work), struct diff_buffer_pool,
			     retry);

	diff_buffer_feed(pool);
	if (diff_buffer_is_starved(pool))
		retry_soon(pool);
}

/* Whether there is room within that time, or over says that it won't matter. */
bool diff_buffer_room(struct diff_buffer_pool *pool, unsigned int seconds,
		      const int *over)
{
	if (diff_buffer_full(pool))
		retry_soon(pool);
	return wait_event_idle_timeout(pool->room,
				       !diff_buffer_full(pool) ||
				       READ_ONCE(*over), seconds * HZ);
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
	spin_lock_irq(&pools_lock);
	list_add_tail(&pool->link, &pools);
	spin_unlock_irq(&pools_lock);
}

/* For chunks of that many pages, the largest of the snapshot. */
void diff_buffer_pool_size(struct diff_buffer_pool *pool,
			   unsigned long pages_per_chunk)
{
	u64 limit = (u64)params_chunk_maximum_in_queue() * LIMIT_QUEUES *
		    pages_per_chunk;

	limit = min_t(u64, limit, totalram_pages() / LIMIT_MEMORY_DIVISOR);
	pool->limit = max_t(u64, limit, LIMIT_LEAST_CHUNKS * pages_per_chunk);
	pool->pages_per_chunk = pages_per_chunk;
}

void diff_buffer_pool_destroy(struct diff_buffer_pool *pool)
{
	struct page *page, *next;

	spin_lock_irq(&pools_lock);
	list_del(&pool->link);
	spin_unlock_irq(&pools_lock);
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
	atomic_long_inc(&all_used);
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
	atomic_long_dec(&all_used);
}

bool diff_buffer_full(struct diff_buffer_pool *pool)
{
	long used = atomic_long_read(&pool->used);

	return used >= READ_ONCE(pool->limit) ||
	       (atomic_long_read(&all_used) >= all_limit &&
		used >= LIMIT_LEAST_CHUNKS * pool->pages_per_chunk);
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
	if (parked) {
		/* before the waiter can be woken, and all be gone */
		diff_buffer_watch(pool);
		/* What others give back nobody tells us. */
		if (atomic_long_read(&pool->used) < pool->limit)
			retry_soon(pool);
	} else {
		list_del_init(&waiter->link);
	}
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
		retry_soon(pool);
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

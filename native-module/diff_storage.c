// SPDX-License-Identifier: GPL-2.0
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/sched/mm.h>
#include "diff_storage.h"
#include "params.h"

/* Items whose store is under way at a time. */
#define STORE_IN_FLIGHT_MAX	16
/* How long an item waits for more of its like before it is stored. */
#define STORE_DELAY_MS		300
/* How long an answer to the last event is waited for when space is over. */
#define GRACE_MS		1000

static void diff_storage_stalled(struct work_struct *work);

int diff_storage_init(struct diff_storage *storage, struct event_queue *events)
{
	int ret;

	INIT_LIST_HEAD(&storage->users);
	spin_lock_init(&storage->queue_lock);
	INIT_LIST_HEAD(&storage->queue);
	init_waitqueue_head(&storage->work);
	init_waitqueue_head(&storage->done);
	diff_buffer_pool_init(&storage->pool);
	INIT_DELAYED_WORK(&storage->pool.watch, diff_storage_stalled);
	ret = storage_space_init(&storage->space, events);
	if (ret)
		diff_buffer_pool_destroy(&storage->pool);
	return ret;
}

void diff_storage_destroy(struct diff_storage *storage)
{
	storage_space_destroy(&storage->space);
	diff_buffer_pool_destroy(&storage->pool);
}

int diff_storage_append(struct diff_storage *storage, const char *path,
			const struct blksnap_sectors __user *ranges, u32 count)
{
	int ret = storage_space_append(&storage->space, path, ranges, count);

	if (!ret)
		wake_up(&storage->work);
	return ret;
}

/* The pool failed: all devices that share it lose their images. */
static void diff_storage_fail(struct diff_storage *storage, int error)
{
	struct storage_user *user;

	list_for_each_entry(user, &storage->users, link)
		user->fail(user, error);
}

/*
 * Writes wait for memory that the store worker does not give back: after
 * STALL_SECONDS without one item stored the snapshot is given up for them.
 */
static void diff_storage_stalled(struct work_struct *work)
{
	struct diff_buffer_pool *pool =
		container_of(to_delayed_work(work), struct diff_buffer_pool,
			     watch);
	struct diff_storage *storage =
		container_of(pool, struct diff_storage, pool);
	long progress = atomic_long_read(&storage->progress);

	if (!diff_buffer_is_starved(pool))
		return;
	if (progress == storage->progress_seen) {
		pr_err("difference storage took nothing for %d s\n",
		       STALL_SECONDS);
		diff_storage_fail(storage, -ETIMEDOUT);
		return;
	}
	storage->progress_seen = progress;
	diff_buffer_watch(pool);
}

/* Any context, for an item that is in no queue. */
void diff_storage_enqueue(struct diff_storage *storage,
			  struct storage_item *item)
{
	unsigned long flags;
	unsigned int queued;

	spin_lock_irqsave(&storage->queue_lock, flags);
	list_add_tail(&item->link, &storage->queue);
	queued = ++storage->queued;
	spin_unlock_irqrestore(&storage->queue_lock, flags);
	if (queued >= params_chunk_maximum_in_queue() ||
	    diff_buffer_full(&storage->pool))
		wake_up(&storage->work);
}

static struct storage_item *dequeue(struct diff_storage *storage)
{
	struct storage_item *item;

	spin_lock_irq(&storage->queue_lock);
	item = list_first_entry_or_null(&storage->queue, struct storage_item,
					link);
	if (item) {
		list_del_init(&item->link);
		storage->queued--;
	}
	spin_unlock_irq(&storage->queue_lock);
	return item;
}

/* The end of one item's store. Any context. */
void diff_storage_stored(struct diff_storage *storage)
{
	atomic_long_inc(&storage->progress);
	/* The worker that waits for the last one may free storage at once. */
	rcu_read_lock();
	atomic_dec(&storage->in_flight);
	wake_up(&storage->done);
	rcu_read_unlock();
}

static bool has_work(struct diff_storage *storage)
{
	unsigned int queued = READ_ONCE(storage->queued);

	return queued >= params_chunk_maximum_in_queue() ||
	       (queued && diff_buffer_full(&storage->pool)) ||
	       READ_ONCE(storage->space.ask);
}

/*
 * The place of an item that has none. Before the pool is said to be over, it
 * is waited a moment for: the answer to an event may be under way.
 */
static void place_item(struct diff_storage *storage,
		       struct storage_item *item)
{
	struct storage_space *space = &storage->space;
	struct storage_user *user = item->user;
	long left = msecs_to_jiffies(GRACE_MS);
	u64 seen;
	int ret;

	do {
		seen = READ_ONCE(space->capacity);
		ret = storage_space_find(space, user->sectors,
					 user->block_size, &item->place);
		storage_space_ask(space);
		if (ret != -ENOSPC)
			break;
		left = wait_event_idle_timeout(storage->work,
					       kthread_should_stop() ||
					       READ_ONCE(space->capacity) !=
					       seen, left);
	} while (left && !kthread_should_stop());
	if (ret == -ENOSPC)
		diff_storage_fail(storage, ret);
	else if (ret)
		user->fail(user, ret);
}

static int store_worker(void *data)
{
	struct diff_storage *storage = data;
	unsigned int noio = memalloc_noio_save();
	struct storage_item *item;
	struct blk_plug plug;

	while (!kthread_should_stop()) {
		wait_event_idle_timeout(storage->work,
					kthread_should_stop() ||
					has_work(storage),
					msecs_to_jiffies(STORE_DELAY_MS));
		storage_space_ask(&storage->space);
		blk_start_plug(&plug);
		while (!kthread_should_stop() && (item = dequeue(storage))) {
			wait_event_idle(storage->done,
					atomic_read(&storage->in_flight) <
					STORE_IN_FLIGHT_MAX);
			if (!item->place.bdev && !READ_ONCE(item->user->error))
				place_item(storage, item);
			atomic_inc(&storage->in_flight);
			item->user->store(item);
		}
		blk_finish_plug(&plug);
	}
	wait_event_idle(storage->done, !atomic_read(&storage->in_flight));
	memalloc_noio_restore(noio);
	return 0;
}

/* Whether the caller runs in a store worker: its writes are nobody's changes */
bool diff_storage_is_worker(void)
{
	return (current->flags & PF_KTHREAD) &&
	       kthread_func(current) == store_worker;
}

int diff_storage_start(struct diff_storage *storage)
{
	struct task_struct *worker;

	worker = kthread_run(store_worker, storage, "blksnap-store");
	if (IS_ERR(worker))
		return PTR_ERR(worker);
	storage->worker = worker;
	return 0;
}

/*
 * What waits in the queue is not stored any more, and its items are about to
 * go; a take that failed may be tried again. Idempotent.
 */
void diff_storage_stop(struct diff_storage *storage)
{
	if (storage->worker)
		kthread_stop(storage->worker);
	storage->worker = NULL;
	INIT_LIST_HEAD(&storage->queue);
	storage->queued = 0;
	diff_buffer_pool_stop(&storage->pool);
	synchronize_rcu(); /* for the tail of diff_storage_stored() */
}

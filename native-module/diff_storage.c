// SPDX-License-Identifier: GPL-2.0
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include "compat/compat.h"
#include "diff_storage.h"
#include "event.h"
#include "params.h"

/* Ranges of one call, and of one snapshot. */
#define RANGES_MAX		1048576U
/* Items whose store is under way at a time. */
#define STORE_IN_FLIGHT_MAX	16
/* How long an item waits for more of its like before it is stored. */
#define STORE_DELAY_MS		300
/* How long an answer to the last event is waited for when space is over. */
#define GRACE_MS		1000
#define STALL_SECONDS		30

#define STORAGE_MODE		(FMODE_READ | FMODE_WRITE)

struct storage_range {
	struct list_head link;
	struct block_device *bdev;
	u64 sector;
	u64 count;
	u64 used;
};

struct storage_device {
	struct list_head link;
	struct block_device *bdev;
};

static void diff_storage_stalled(struct work_struct *work);

/* Asks for a portion when it is time to: the rule of the interface. */
static u64 low_space_locked(struct diff_storage *storage)
{
	u64 portion = params_diff_storage_minimum();
	s64 left = storage->requested - storage->filled;

	lockdep_assert_held(&storage->lock);
	if (left > (s64)(portion / 2) || storage->capacity < storage->requested)
		return 0;
	storage->requested += portion;
	return portion;
}

static int low_space_event(struct diff_storage *storage, u64 sectors)
{
	struct blksnap_event_low_free_space body = {
		.requested_nr_sect = sectors,
	};
	struct event *event = kzalloc(sizeof(*event), GFP_NOIO);

	if (!event)
		return -ENOMEM;
	event_fill(event, BLKSNAP_EVENT_LOW_FREE_SPACE, &body, sizeof(body));
	event_post(storage->events, event);
	return 0;
}

int diff_storage_init(struct diff_storage *storage, struct event_queue *events)
{
	spin_lock_init(&storage->lock);
	INIT_LIST_HEAD(&storage->ranges);
	INIT_LIST_HEAD(&storage->devices);
	storage->events = events;
	INIT_LIST_HEAD(&storage->users);
	spin_lock_init(&storage->queue_lock);
	INIT_LIST_HEAD(&storage->queue);
	init_waitqueue_head(&storage->work);
	init_waitqueue_head(&storage->done);
	diff_buffer_pool_init(&storage->pool);
	INIT_DELAYED_WORK(&storage->pool.watch, diff_storage_stalled);
	storage->requested = params_diff_storage_minimum();
	return low_space_event(storage, storage->requested);
}

static void ranges_free(struct list_head *ranges)
{
	struct storage_range *range, *next;

	list_for_each_entry_safe(range, next, ranges, link) {
		list_del(&range->link);
		kfree(range);
	}
}

void diff_storage_destroy(struct diff_storage *storage)
{
	struct storage_device *device, *next;

	ranges_free(&storage->ranges);
	list_for_each_entry_safe(device, next, &storage->devices, link) {
		list_del(&device->link);
		compat_bdev_close(device->bdev, STORAGE_MODE);
		kfree(device);
	}
	diff_buffer_pool_destroy(&storage->pool);
}

/* The ranges that the caller gave, checked; all of them or none. */
static int ranges_get(struct block_device *bdev, struct list_head *list,
		      const struct blksnap_sectors __user *from, u32 count)
{
	u64 capacity = bdev_nr_sectors(bdev);
	u64 mask = (bdev_logical_block_size(bdev) >> SECTOR_SHIFT) - 1;
	struct blksnap_sectors given;
	struct storage_range *range;
	u32 i;

	for (i = 0; i < count; i++) {
		if (copy_from_user(&given, from + i, sizeof(given)))
			return -EFAULT;
		if (!given.count || given.offset >= capacity ||
		    given.count > capacity - given.offset ||
		    ((given.offset | given.count) & mask)) {
			pr_err("range %llu+%llu of %pg refused: %llu sectors, in blocks of %llu\n",
			       given.offset, given.count, bdev, capacity,
			       mask + 1);
			return -EINVAL;
		}
		range = kzalloc(sizeof(*range), GFP_KERNEL_ACCOUNT);
		if (!range)
			return -ENOMEM;
		range->bdev = bdev;
		range->sector = given.offset;
		range->count = given.count;
		list_add_tail(&range->link, list);
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	return 0;
}

int diff_storage_append(struct diff_storage *storage, const char *path,
			const struct blksnap_sectors __user *ranges, u32 count)
{
	struct storage_device *device, *known;
	struct storage_range *range;
	LIST_HEAD(list);
	bool kept = true;
	u64 sectors = 0;
	u64 portion;
	int ret;

	if (!count || count > RANGES_MAX)
		return -EINVAL;
	device = kzalloc(sizeof(*device), GFP_KERNEL);
	if (!device)
		return -ENOMEM;
	device->bdev = compat_bdev_open_path(path, STORAGE_MODE);
	if (IS_ERR(device->bdev)) {
		ret = PTR_ERR(device->bdev);
		kfree(device);
		return ret;
	}
	ret = ranges_get(device->bdev, &list, ranges, count);
	if (ret) {
		ranges_free(&list);
		goto close;
	}
	list_for_each_entry(range, &list, link)
		sectors += range->count;

	spin_lock(&storage->lock);
	list_for_each_entry(known, &storage->devices, link)
		if (known->bdev == device->bdev)
			kept = false;
	if (kept)
		list_add_tail(&device->link, &storage->devices);
	if (!storage->current_range)
		storage->current_range =
			list_first_entry(&list, struct storage_range, link);
	list_splice_tail(&list, &storage->ranges);
	storage->capacity += sectors;
	portion = low_space_locked(storage);
	storage->ask += portion;
	spin_unlock(&storage->lock);
	wake_up(&storage->work);
	if (kept)
		return 0;
close:
	compat_bdev_close(device->bdev, STORAGE_MODE);
	kfree(device);
	return ret;
}

bool diff_storage_is_empty(struct diff_storage *storage)
{
	bool empty;

	spin_lock(&storage->lock);
	empty = list_empty(&storage->ranges);
	spin_unlock(&storage->lock);
	return empty;
}

/*
 * One contiguous place for a device with that logical block size. ENOSPC: the
 * pool is over; ENOTBLK: it is not, but nothing of it suits the device.
 */
static int find_place(struct diff_storage *storage, u64 sectors,
		      unsigned int block_size, struct storage_place *place)
{
	struct storage_range *range;
	u64 portion = 0;
	int ret = -ENOSPC;

	spin_lock(&storage->lock);
	range = storage->current_range;
	if (!range)
		goto out;
	list_for_each_entry_from(range, &storage->ranges, link) {
		if (range->count - range->used < sectors) {
			if (range != storage->current_range ||
			    list_is_last(&range->link, &storage->ranges))
				continue;
			storage->filled += range->count - range->used;
			range->used = range->count;
			storage->current_range = list_next_entry(range, link);
			continue;
		}
		if (bdev_logical_block_size(range->bdev) > block_size) {
			ret = -ENOTBLK;
			continue;
		}
		place->bdev = range->bdev;
		place->sector = range->sector + range->used;
		range->used += sectors;
		storage->filled += sectors;
		ret = 0;
		break;
	}
	portion = low_space_locked(storage);
	storage->ask += portion;
out:
	spin_unlock(&storage->lock);
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
	schedule_delayed_work(&pool->watch, STALL_SECONDS * HZ);
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
	       READ_ONCE(storage->ask);
}

static void post_ask(struct diff_storage *storage)
{
	u64 ask;

	spin_lock(&storage->lock);
	ask = storage->ask;
	storage->ask = 0;
	spin_unlock(&storage->lock);
	if (!ask || !low_space_event(storage, ask))
		return;
	spin_lock(&storage->lock);
	storage->ask += ask;
	spin_unlock(&storage->lock);
}

/*
 * The place of an item that has none. Before the pool is said to be over, it
 * is waited a moment for: the answer to an event may be under way.
 */
static void place_item(struct diff_storage *storage,
		       struct storage_item *item)
{
	struct storage_user *user = item->user;
	long left = msecs_to_jiffies(GRACE_MS);
	u64 seen;
	int ret;

	do {
		seen = READ_ONCE(storage->capacity);
		ret = find_place(storage, user->sectors, user->block_size,
				 &item->place);
		post_ask(storage);
		if (ret != -ENOSPC)
			break;
		left = wait_event_idle_timeout(storage->work,
					       kthread_should_stop() ||
					       READ_ONCE(storage->capacity) !=
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
		post_ask(storage);
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
	cancel_delayed_work_sync(&storage->pool.watch);
	synchronize_rcu(); /* for the tail of diff_storage_stored() */
}

// SPDX-License-Identifier: GPL-2.0
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/err.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include "compat/compat.h"
#include "event.h"
#include "params.h"
#include "storage_space.h"

/* Ranges of one snapshot, and so of one call. */
#define RANGES_MAX		1048576U

struct storage_range {
	struct list_head link;
	struct block_device *bdev;
	u64 sector;
	u64 count;
	u64 used;
};

struct storage_device {
	struct list_head link;
	struct compat_bdev opened;
};

/* Asks for a portion when it is time to: the rule of the interface. */
static u64 low_space_locked(struct storage_space *space)
{
	u64 portion = params_diff_storage_minimum();
	s64 left = space->requested - space->filled;

	lockdep_assert_held(&space->lock);
	if (left > (s64)(portion / 2) || space->capacity < space->requested)
		return 0;
	space->requested += portion;
	return portion;
}

static int low_space_event(struct storage_space *space, u64 sectors)
{
	struct blksnap_event_low_free_space body = {
		.requested_nr_sect = sectors,
	};
	struct event *event = kzalloc(sizeof(*event), GFP_NOIO);

	if (!event)
		return -ENOMEM;
	event_fill(event, BLKSNAP_EVENT_LOW_FREE_SPACE, &body, sizeof(body));
	event_post(space->events, event);
	return 0;
}

int storage_space_init(struct storage_space *space, struct event_queue *events)
{
	spin_lock_init(&space->lock);
	INIT_LIST_HEAD(&space->ranges);
	INIT_LIST_HEAD(&space->devices);
	space->events = events;
	space->requested = params_diff_storage_minimum();
	return low_space_event(space, space->requested);
}

static void ranges_free(struct list_head *ranges)
{
	struct storage_range *range, *next;

	list_for_each_entry_safe(range, next, ranges, link) {
		list_del(&range->link);
		kfree(range);
	}
}

void storage_space_destroy(struct storage_space *space)
{
	struct storage_device *device, *next;

	ranges_free(&space->ranges);
	list_for_each_entry_safe(device, next, &space->devices, link) {
		list_del(&device->link);
		compat_bdev_close(&device->opened);
		kfree(device);
	}
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

int storage_space_append(struct storage_space *space, const char *path,
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
	if (count > RANGES_MAX - space->range_count) {
		pr_err("%u ranges refused: the snapshot has %u, and may have %u; give fewer and longer ones\n",
		       count, space->range_count, RANGES_MAX);
		return -ENOSPC;
	}
	device = kzalloc(sizeof(*device), GFP_KERNEL);
	if (!device)
		return -ENOMEM;
	ret = compat_bdev_open_path(&device->opened, path);
	if (ret) {
		kfree(device);
		return ret;
	}
	ret = ranges_get(device->opened.bdev, &list, ranges, count);
	if (ret) {
		ranges_free(&list);
		goto close;
	}
	list_for_each_entry(range, &list, link)
		sectors += range->count;

	spin_lock(&space->lock);
	list_for_each_entry(known, &space->devices, link)
		if (known->opened.bdev == device->opened.bdev)
			kept = false;
	if (kept)
		list_add_tail(&device->link, &space->devices);
	if (!space->current_range)
		space->current_range =
			list_first_entry(&list, struct storage_range, link);
	list_splice_tail(&list, &space->ranges);
	space->range_count += count;
	space->capacity += sectors;
	portion = low_space_locked(space);
	space->ask += portion;
	spin_unlock(&space->lock);
	if (kept)
		return 0;
close:
	compat_bdev_close(&device->opened);
	kfree(device);
	return ret;
}

bool storage_space_is_empty(struct storage_space *space)
{
	bool empty;

	spin_lock(&space->lock);
	empty = list_empty(&space->ranges);
	spin_unlock(&space->lock);
	return empty;
}

/*
 * One contiguous place for a device with that logical block size. ENOSPC: the
 * pool is over; ENOTBLK: it is not, but nothing of it suits the device.
 */
int storage_space_find(struct storage_space *space, u64 sectors,
		       unsigned int block_size, struct storage_place *place)
{
	struct storage_range *range;
	u64 portion = 0;
	int ret = -ENOSPC;

	spin_lock(&space->lock);
	range = space->current_range;
	if (!range)
		goto out;
	list_for_each_entry_from(range, &space->ranges, link) {
		if (range->count - range->used < sectors) {
			if (range != space->current_range ||
			    list_is_last(&range->link, &space->ranges))
				continue;
			space->filled += range->count - range->used;
			range->used = range->count;
			space->current_range = list_next_entry(range, link);
			continue;
		}
		if (bdev_logical_block_size(range->bdev) > block_size) {
			ret = -ENOTBLK;
			continue;
		}
		place->bdev = range->bdev;
		place->sector = range->sector + range->used;
		range->used += sectors;
		space->filled += sectors;
		ret = 0;
		break;
	}
	portion = low_space_locked(space);
	space->ask += portion;
out:
	spin_unlock(&space->lock);
	return ret;
}

/* Posts the event that is due. May sleep. */
void storage_space_ask(struct storage_space *space)
{
	u64 ask;

	spin_lock(&space->lock);
	ask = space->ask;
	space->ask = 0;
	spin_unlock(&space->lock);
	if (!ask || !low_space_event(space, ask))
		return;
	spin_lock(&space->lock);
	space->ask += ask;
	spin_unlock(&space->lock);
}

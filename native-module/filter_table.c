// SPDX-License-Identifier: GPL-2.0
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/blk-mq.h>
#include <linux/device.h>
#include <linux/err.h>
#include <linux/hash.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/rculist.h>
#include <linux/string.h>
#include "compat/compat.h"
#include "diff_area.h"
#include "filter.h"
#include "filter_table.h"
#include "freezer.h"

#define TABLE_BITS	6
/* Writes from before an attach are waited for that long; new ones wait too. */
#define ATTACH_DRAIN_MS	5000

/*
 * Writers of the table, and who belongs to which snapshot. Nothing is opened,
 * frozen or waited for under it; device_del() comes here with the disk's
 * open_mutex held.
 */
static DEFINE_MUTEX(filters_mutex);
static struct hlist_head table[1 << TABLE_BITS];

static struct hlist_head *bucket(struct block_device *bdev)
{
	return &table[hash_ptr(bdev, TABLE_BITS)];
}

struct filter *filter_find(struct block_device *bdev)
{
	struct filter *filter;

	hlist_for_each_entry_rcu(filter, bucket(bdev), hash,
				 lockdep_is_held(&filters_mutex))
		if (filter->bdev == bdev)
			return filter;
	return NULL;
}

/* Whether the device, or the disk that it is a part of, has a filter. */
bool filter_watches(struct block_device *bdev)
{
	bool found;

	rcu_read_lock();
	found = filter_find(bdev) || filter_find(bdev->bd_disk->part0);
	rcu_read_unlock();
	return found;
}

struct filter *filter_get(struct block_device *bdev)
{
	struct filter *filter;

	rcu_read_lock();
	filter = filter_find(bdev);
	if (filter && !filter_try_get(filter))
		filter = NULL;
	rcu_read_unlock();
	return filter;
}

/* Not yet on its way out: later we are told by device_del(). */
static bool bdev_is_live(struct block_device *bdev)
{
	struct gendisk *disk = bdev->bd_disk;

	return disk_live(disk) &&
	       xa_load(&disk->part_tbl, compat_bdev_partno(bdev)) == bdev;
}

/* Out of the table. The caller puts the table's reference. */
static void unhash_locked(struct filter *filter)
{
	lockdep_assert_held(&filters_mutex);
	hlist_del_init_rcu(&filter->hash);
}

static int requests_end(struct block_device *bdev)
{
	struct request_queue *queue = bdev_get_queue(bdev);
	int left;

	blk_freeze_queue_start(queue);
	left = blk_mq_freeze_queue_wait_timeout(queue,
						msecs_to_jiffies(ATTACH_DRAIN_MS));
	blk_mq_unfreeze_queue(queue);
	if (left > 0)
		return 0;
	pr_err("%pg refused: requests from before the attach have not ended after %d ms\n",
	       bdev, ATTACH_DRAIN_MS);
	return -ETIMEDOUT;
}

/* However long the step takes; EINTR: the caller was killed meanwhile. */
static int step_ends(struct freezer *step)
{
	if (IS_ERR(step))
		return PTR_ERR(step);
	if (!freezer_wait_killable(step) && freezer_leave(step))
		return -EINTR;
	freezer_thaw(step);
	return 0;
}

/*
 * Writes that went down before the filter was there are not counted. They
 * have ended when this returns 0: then a take counts on having seen all.
 */
static int writes_before_end(struct block_device *bdev)
{
	/* Who saw no filter has left the hook; also, all see it now. */
	synchronize_rcu();
	if (queue_is_mq(bdev_get_queue(bdev)))
		return requests_end(bdev);
	return step_ends(freezer_begin_flush(bdev)) ?:
	       step_ends(freezer_begin(bdev));
}

/* From now on it may be used, or was not attached at all. */
static int attached(struct filter *filter, int ret)
{
	mutex_lock(&filters_mutex);
	if (filter->gone) {
		/* the one who removed the device has put the reference */
		ret = -ENODEV;
	} else if (ret) {
		unhash_locked(filter);
		filter_put(filter);
	} else {
		filter->ready = true;
	}
	mutex_unlock(&filters_mutex);
	return ret;
}

/* The caller has the device open. set_up makes passages and work. */
int filter_attach(struct block_device *bdev,
		  int (*set_up)(struct filter *filter))
{
	struct filter *filter;
	int ret = 0;

	if (bdev_is_zoned(bdev)) {
		pr_err("%pg refused: zoned devices are not supported\n", bdev);
		return -EOPNOTSUPP;
	}
	if (blk_queue_dax(bdev_get_queue(bdev))) {
		pr_err("%pg refused: stores to persistent memory make no request\n",
		       bdev);
		return -EOPNOTSUPP;
	}
	if (!try_module_get(THIS_MODULE))
		return -ENODEV;
	filter = filter_make(bdev, set_up);
	if (IS_ERR(filter)) {
		module_put(THIS_MODULE);
		return PTR_ERR(filter);
	}
	atomic_inc(&filter_count);
	smp_mb__after_atomic(); /* pairs with device_del_reached() */

	mutex_lock(&filters_mutex);
	if (filter_find(bdev))
		ret = -EALREADY;
	else if (!bdev_is_live(bdev))
		ret = -ENODEV;
	else
		hlist_add_head_rcu(&filter->hash, bucket(bdev));
	if (!ret)
		kref_get(&filter->ref);	/* it may go with its device */
	mutex_unlock(&filters_mutex);
	if (!ret)
		ret = attached(filter, writes_before_end(bdev));
	filter_put(filter);
	return ret;
}

int filter_detach(struct block_device *bdev)
{
	struct filter *filter;

	mutex_lock(&filters_mutex);
	filter = filter_find(bdev);
	if (!filter || filter->member || !filter->ready) {
		mutex_unlock(&filters_mutex);
		return filter ? -EBUSY : -ENOENT;
	}
	unhash_locked(filter);
	mutex_unlock(&filters_mutex);
	filter_put(filter);
	filter_wait_freed();
	return 0;
}

/* The filter of a device, out of the table and marked; or NULL. */
static struct filter *take_out(struct device *dev)
{
	struct filter *filter;
	unsigned int i;

	mutex_lock(&filters_mutex);
	for (i = 0; i < ARRAY_SIZE(table); i++) {
		hlist_for_each_entry(filter, &table[i], hash) {
			if (&filter->bdev->bd_device != dev)
				continue;
			unhash_locked(filter);
			WRITE_ONCE(filter->gone, true);
			mutex_unlock(&filters_mutex);
			return filter;
		}
	}
	mutex_unlock(&filters_mutex);
	return NULL;
}

/*
 * From device_del(), before it. Afterwards nothing is submitted to the device
 * by us, for its driver may be unloaded next.
 */
void filter_device_gone(struct device *dev)
{
	struct filter *filter = take_out(dev);
	struct diff_area *area;

	if (!filter)
		return;
	pr_info("%pg is removed, and its filter with it\n", filter->bdev);
	smp_mb(); /* pairs with filter_arm() */
	rcu_read_lock();
	area = rcu_dereference(filter->area);
	/* One that can't be had any more is idle: see disarm() */
	if (area && !chunk_set_try_get(&area->set))
		area = NULL;
	rcu_read_unlock();
	if (area) {
		diff_area_gone(area);
		chunk_set_put(&area->set);
	}
	filter_put(filter);
}

/* The snapshot keeps the caller's reference. EALREADY, EBUSY, ENODEV. */
int filter_join(struct filter *filter, struct snapshot *snapshot)
{
	int ret = 0;

	mutex_lock(&filters_mutex);
	if (filter->member)
		ret = filter->member == snapshot ? -EALREADY : -EBUSY;
	else if (!filter->ready)
		ret = -EBUSY;
	else if (filter->gone || hlist_unhashed(&filter->hash))
		ret = -ENODEV;
	else
		filter->member = snapshot;
	mutex_unlock(&filters_mutex);
	return ret;
}

void filter_leave(struct filter *filter)
{
	mutex_lock(&filters_mutex);
	filter->member = NULL;
	filter->image[0] = '\0';
	mutex_unlock(&filters_mutex);
	filter_put(filter);
}

void filter_set_image(struct filter *filter, const char *name)
{
	mutex_lock(&filters_mutex);
	strscpy(filter->image, name, sizeof(filter->image));
	mutex_unlock(&filters_mutex);
}

void filter_snapshot_info(struct filter *filter,
			  struct blksnap_snapshotinfo *info)
{
	struct diff_area *area;

	memset(info, 0, sizeof(*info));
	mutex_lock(&filters_mutex);
	rcu_read_lock();
	area = rcu_dereference(filter->area);
	if (area)
		info->error_code = diff_area_error(area);
	rcu_read_unlock();
	strscpy(info->image, filter->image, sizeof(info->image));
	mutex_unlock(&filters_mutex);
}

// SPDX-License-Identifier: GPL-2.0
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/blk-mq.h>
#include <linux/device.h>
#include <linux/hash.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/rculist.h>
#include <linux/slab.h>
#include <linux/string.h>
#include "diff_area.h"
#include "filter.h"

#define TABLE_BITS	6
/* How long a detach waits for writes on their way before it leaves them */
#define DETACH_SECONDS	10

atomic_t filter_count __read_mostly = ATOMIC_INIT(0);

/*
 * Writers of the table, and who belongs to which snapshot. Nothing is opened,
 * frozen or waited for under it; device_del() comes here with the disk's
 * open_mutex held.
 */
static DEFINE_MUTEX(filters_mutex);
static struct hlist_head table[1 << TABLE_BITS];

static struct workqueue_struct *free_wq;
static atomic_t dying_count = ATOMIC_INIT(0);
static DECLARE_WAIT_QUEUE_HEAD(dying_wait);

int filter_start(void)
{
	free_wq = alloc_workqueue("blksnap-free", WQ_MEM_RECLAIM, 0);
	return free_wq ? 0 : -ENOMEM;
}

void filter_stop(void)
{
	destroy_workqueue(free_wq);
}

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

static void filter_free(struct work_struct *work)
{
	struct filter *filter = container_of(work, struct filter, free_work);
	struct gendisk *disk = filter->bdev->bd_disk;
	struct module *owner = disk->fops->owner;

	synchronize_rcu(); /* who found it in the table and got no reference */
	destroy_workqueue(filter->wq);
	percpu_ref_exit(&filter->inflight);
	mempool_exit(&filter->passages);
	cbt_destroy(&filter->cbt);
	put_device(&filter->bdev->bd_device);
	put_device(disk_to_dev(disk));
	module_put(owner);
	kfree(filter);
	atomic_dec(&filter_count);
	/* filter_stop() waits for the rest of this function. */
	module_put(THIS_MODULE);
	atomic_dec(&dying_count);
	wake_up_all(&dying_wait);
}

static void inflight_is_zero(struct percpu_ref *ref)
{
	struct filter *filter = container_of(ref, struct filter, inflight);

	if (filter->dying)
		queue_work(free_wq, &filter->free_work);
	else
		wake_up_all(&filter->drained);
}

static void filter_release(struct kref *ref)
{
	struct filter *filter = container_of(ref, struct filter, ref);

	atomic_inc(&dying_count);
	filter->dying = true;
	percpu_ref_kill(&filter->inflight);
}

void filter_put(struct filter *filter)
{
	kref_put(&filter->ref, filter_release);
}

bool filter_try_get(struct filter *filter)
{
	return kref_get_unless_zero(&filter->ref);
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
	       xa_load(&disk->part_tbl, bdev->bd_partno) == bdev;
}

static struct filter *filter_make(struct block_device *bdev,
				  int (*set_up)(struct filter *filter))
{
	struct filter *filter = kzalloc(sizeof(*filter), GFP_KERNEL);
	int ret = -ENOMEM;

	if (!filter)
		return ERR_PTR(ret);
	kref_init(&filter->ref);
	filter->bdev = bdev;
	spin_lock_init(&filter->lock);
	bio_list_init(&filter->held);
	bio_list_init(&filter->parked);
	bio_list_init(&filter->ended);
	INIT_LIST_HEAD(&filter->woken);
	init_waitqueue_head(&filter->drained);
	INIT_WORK(&filter->free_work, filter_free);
	ret = cbt_init(&filter->cbt, bdev_nr_sectors(bdev),
		       bdev->bd_disk->diskseq);
	if (ret)
		goto no_cbt;
	ret = set_up(filter);
	if (ret)
		goto no_passages;
	ret = percpu_ref_init(&filter->inflight, inflight_is_zero,
			      PERCPU_REF_ALLOW_REINIT, GFP_KERNEL);
	if (ret)
		goto no_inflight;
	ret = -ENOMEM;
	filter->wq = alloc_workqueue("blksnap-%u:%u",
				     WQ_MEM_RECLAIM | WQ_HIGHPRI, 1,
				     MAJOR(bdev->bd_dev), MINOR(bdev->bd_dev));
	if (!filter->wq)
		goto no_wq;
	return filter;

no_wq:
	percpu_ref_exit(&filter->inflight);
no_inflight:
	mempool_exit(&filter->passages);
no_passages:
	cbt_destroy(&filter->cbt);
no_cbt:
	kfree(filter);
	return ERR_PTR(ret);
}

/*
 * Writes that went down before the filter was there are not counted. They
 * have ended when this returns: then a take counts on having seen all.
 */
static void writes_before_end(struct block_device *bdev)
{
	struct request_queue *queue = bdev_get_queue(bdev);

	/* Who saw no filter has left the hook; also, all see it now. */
	synchronize_rcu();
	if (queue_is_mq(queue)) {
		blk_mq_freeze_queue(queue);
		blk_mq_unfreeze_queue(queue);
	} else if (!freeze_bdev(bdev)) {
		thaw_bdev(bdev);
	}
}

/* The caller has the device open. set_up makes passages and work. */
int filter_attach(struct block_device *bdev,
		  int (*set_up)(struct filter *filter))
{
	struct gendisk *disk = bdev->bd_disk;
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
	if (!try_module_get(disk->fops->owner)) {
		ret = -ENODEV;
		goto no_driver;
	}
	filter = filter_make(bdev, set_up);
	if (IS_ERR(filter)) {
		ret = PTR_ERR(filter);
		goto no_filter;
	}
	atomic_inc(&filter_count);
	smp_mb__after_atomic(); /* pairs with device_del_reached() */
	get_device(disk_to_dev(disk));
	get_device(&bdev->bd_device);

	mutex_lock(&filters_mutex);
	if (filter_find(bdev))
		ret = -EALREADY;
	else if (!bdev_is_live(bdev))
		ret = -ENODEV;
	else
		hlist_add_head_rcu(&filter->hash, bucket(bdev));
	mutex_unlock(&filters_mutex);
	if (ret) {
		filter_put(filter);
		return ret;
	}
	writes_before_end(bdev);
	return 0;

no_filter:
	module_put(disk->fops->owner);
no_driver:
	module_put(THIS_MODULE);
	return ret;
}

/* Out of the table. The caller puts the table's reference. */
static void unhash_locked(struct filter *filter)
{
	lockdep_assert_held(&filters_mutex);
	hlist_del_init_rcu(&filter->hash);
}

int filter_detach(struct block_device *bdev)
{
	struct filter *filter;

	mutex_lock(&filters_mutex);
	filter = filter_find(bdev);
	if (!filter || filter->member) {
		mutex_unlock(&filters_mutex);
		return filter ? -EBUSY : -ENOENT;
	}
	unhash_locked(filter);
	mutex_unlock(&filters_mutex);
	filter_put(filter);
	/* Only so that the module can be unloaded right away. */
	wait_event_killable_timeout(dying_wait, !atomic_read(&dying_count),
				    DETACH_SECONDS * HZ);
	return 0;
}

/* From device_del(), before it. */
void filter_device_gone(struct device *dev)
{
	struct diff_area *area;
	struct filter *filter;
	struct hlist_node *next;
	unsigned int i;

	mutex_lock(&filters_mutex);
	for (i = 0; i < ARRAY_SIZE(table); i++) {
		hlist_for_each_entry_safe(filter, next, &table[i], hash) {
			if (&filter->bdev->bd_device != dev)
				continue;
			pr_info("%pg is removed, and its filter with it\n",
				filter->bdev);
			unhash_locked(filter);
			WRITE_ONCE(filter->gone, true);
			smp_mb(); /* pairs with filter_arm() */
			rcu_read_lock();
			area = rcu_dereference(filter->area);
			if (area)
				diff_area_corrupt(area, -ENODEV);
			rcu_read_unlock();
			filter_put(filter);
		}
	}
	mutex_unlock(&filters_mutex);
}

/* The snapshot keeps the caller's reference. EALREADY, EBUSY, ENODEV. */
int filter_join(struct filter *filter, struct snapshot *snapshot)
{
	int ret = 0;

	mutex_lock(&filters_mutex);
	if (filter->member)
		ret = filter->member == snapshot ? -EALREADY : -EBUSY;
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

/*
 * Makes closing quick: counting per CPU ends before writes are held. Begun for
 * all, then waited for: it takes a grace period.
 */
void filter_calm_begin(struct filter *filter)
{
	percpu_ref_switch_to_atomic(&filter->inflight, NULL);
}

void filter_calm_wait(struct filter *filter)
{
	percpu_ref_switch_to_atomic_sync(&filter->inflight);
}

void filter_uncalm(struct filter *filter)
{
	percpu_ref_switch_to_percpu(&filter->inflight);
}

/*
 * Holds all new writes and waits for those on their way. ETIMEDOUT: not all
 * ended; the gate is closed all the same.
 */
int filter_close(struct filter *filter, unsigned int timeout_ms)
{
	spin_lock_irq(&filter->lock);
	filter->closed = true;
	spin_unlock_irq(&filter->lock);
	percpu_ref_kill(&filter->inflight);
	if (!wait_event_timeout(filter->drained,
				percpu_ref_is_zero(&filter->inflight),
				msecs_to_jiffies(timeout_ms)))
		return -ETIMEDOUT;
	return 0;
}

void filter_open(struct filter *filter)
{
	percpu_ref_resurrect(&filter->inflight);
	spin_lock_irq(&filter->lock);
	filter->closed = false;
	bio_list_merge(&filter->parked, &filter->held);
	bio_list_init(&filter->held);
	spin_unlock_irq(&filter->lock);
	queue_work(filter->wq, &filter->work);
}

/* A write that the gate keeps out; false: try again, it is open. */
bool filter_hold(struct filter *filter, struct bio *bio, bool nowait)
{
	unsigned long flags;
	bool closed;

	spin_lock_irqsave(&filter->lock, flags);
	closed = filter->closed;
	if (closed && !nowait) {
		bio_clear_polled(bio);
		bio_list_add(&filter->held, bio);
	}
	spin_unlock_irqrestore(&filter->lock, flags);
	if (closed && nowait)
		bio_wouldblock_error(bio);
	return closed;
}

/* Copy-on-write from now on. The gate is closed. */
void filter_arm(struct filter *filter, struct diff_area *area)
{
	rcu_assign_pointer(filter->area, area);
	smp_mb(); /* pairs with filter_device_gone() */
	if (READ_ONCE(filter->gone))
		diff_area_corrupt(area, -ENODEV);
}

/* Afterwards, and after a grace period, no write finds the area. */
void filter_disarm(struct filter *filter)
{
	rcu_assign_pointer(filter->area, NULL);
}

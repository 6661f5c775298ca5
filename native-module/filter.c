// SPDX-License-Identifier: GPL-2.0
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/fs.h>
#include <linux/module.h>
#include <linux/slab.h>
#include "compat/compat.h"
#include "diff_area.h"
#include "filter.h"

/* How long a detach waits for writes on their way before it leaves them */
#define DETACH_SECONDS	10

atomic_t filter_count __read_mostly = ATOMIC_INIT(0);

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

static void filter_free(struct work_struct *work)
{
	struct filter *filter = container_of(work, struct filter, free_work);
	struct inode *inode = compat_bdev_inode(filter->bdev);

	synchronize_rcu(); /* who found it in the table and got no reference */
	flush_delayed_work(&filter->again);
	destroy_workqueue(filter->wq);
	percpu_ref_exit(&filter->inflight);
	mempool_exit(&filter->passages);
	cbt_destroy(&filter->cbt);
	iput(inode);
	iput(filter->whole);
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

/* Only so that the module can be unloaded right away after a detach. */
void filter_wait_freed(void)
{
	wait_event_killable_timeout(dying_wait, !atomic_read(&dying_count),
				    DETACH_SECONDS * HZ);
}

bool filter_try_get(struct filter *filter)
{
	return kref_get_unless_zero(&filter->ref);
}

/* set_up makes passages and work. */
struct filter *filter_make(struct block_device *bdev,
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
	filter->whole = compat_bdev_inode(bdev->bd_disk->part0);
	ihold(filter->whole);
	ihold(compat_bdev_inode(bdev));
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
		diff_area_gone(area);
}

/* Afterwards, and after a grace period, no write finds the area. */
void filter_disarm(struct filter *filter)
{
	rcu_assign_pointer(filter->area, NULL);
}

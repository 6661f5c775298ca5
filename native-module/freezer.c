// SPDX-License-Identifier: GPL-2.0
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/blkdev.h>
#include <linux/completion.h>
#include <linux/jiffies.h>
#include <linux/refcount.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/workqueue.h>
#include "compat/compat.h"
#include "freezer.h"

/* Times that dirty data is written back before a freeze; it comes anew. */
#define FLUSH_ROUNDS_MAX	3
/* When it takes no longer than that, the freeze won't either. */
#define FLUSH_SHORT_MS		500

enum freezer_state { FREEZER_RUNS, FREEZER_DONE, FREEZER_LEFT };

struct freezer {
	struct work_struct work;
	struct completion done;
	refcount_t refs;
	int state;		/* by cmpxchg: whoever leaves RUNS decides */
	dev_t dev;
	bool freezes;
	struct compat_bdev opened;	/* by the work */
	int error;
};

static struct workqueue_struct *freeze_wq;

int freezer_start(void)
{
	freeze_wq = alloc_workqueue("blksnap-freeze",
				    WQ_MEM_RECLAIM | WQ_UNBOUND, 0);
	return freeze_wq ? 0 : -ENOMEM;
}

void freezer_stop(void)
{
	destroy_workqueue(freeze_wq);
}

static void freezer_put(struct freezer *freezer)
{
	if (!refcount_dec_and_test(&freezer->refs))
		return;
	compat_bdev_close(&freezer->opened);
	kfree(freezer);
}

/*
 * Writers run, and what they dirty meanwhile is left for the next round, as long
 * as rounds get shorter. An error is not told: the freeze will meet it.
 */
static void freezer_flush(struct freezer *freezer)
{
	unsigned int took, before = UINT_MAX;
	unsigned int round;

	for (round = 0; round < FLUSH_ROUNDS_MAX; round++) {
		unsigned long begin = jiffies;

		if (compat_bdev_flush(freezer->opened.bdev) ||
		    READ_ONCE(freezer->state) != FREEZER_RUNS)
			break;
		took = jiffies_to_msecs(jiffies - begin);
		if (took < FLUSH_SHORT_MS || took > before / 2)
			break;
		before = took;
	}
}

static void freezer_work(struct work_struct *work)
{
	struct freezer *freezer = container_of(work, struct freezer, work);
	unsigned int noio;

	/* Opened for itself, as it may outlive the take. */
	freezer->error = compat_bdev_open(&freezer->opened, freezer->dev);
	if (!freezer->error && !freezer->freezes) {
		freezer_flush(freezer);
		freezer->error = -ENODATA; /* nothing to thaw */
	}
	noio = memalloc_noio_save();
	if (!freezer->error)
		freezer->error = compat_bdev_freeze(freezer->opened.bdev);
	if (cmpxchg(&freezer->state, FREEZER_RUNS, FREEZER_DONE) !=
	    FREEZER_RUNS && !freezer->error)
		compat_bdev_thaw(freezer->opened.bdev);
	memalloc_noio_restore(noio);
	/* It may be waited for twice. */
	complete_all(&freezer->done);
	freezer_put(freezer);
}

static struct freezer *begin(struct block_device *bdev, bool freezes)
{
	struct freezer *freezer = kzalloc(sizeof(*freezer), GFP_KERNEL);

	if (!freezer)
		return ERR_PTR(-ENOMEM);
	freezer->dev = bdev->bd_dev;
	freezer->freezes = freezes;
	INIT_WORK(&freezer->work, freezer_work);
	init_completion(&freezer->done);
	refcount_set(&freezer->refs, 2);
	freezer->state = FREEZER_RUNS;
	queue_work(freeze_wq, &freezer->work);
	return freezer;
}

/* Begins to freeze the file system of a device that the caller has open. */
struct freezer *freezer_begin(struct block_device *bdev)
{
	return begin(bdev, true);
}

/* Only begins to write back what is dirty. It has nothing to be thawed. */
struct freezer *freezer_begin_flush(struct block_device *bdev)
{
	return begin(bdev, false);
}

/* Ended, and frozen or not; the caller's reference is gone. */
void freezer_thaw(struct freezer *freezer)
{
	if (!freezer->error && compat_bdev_thaw(freezer->opened.bdev))
		pr_err("%pg can't be thawed\n", freezer->opened.bdev);
	freezer_put(freezer);
}

/* Whether it has ended, frozen or not, in that time. */
bool freezer_wait(struct freezer *freezer, unsigned int timeout_ms)
{
	return wait_for_completion_timeout(&freezer->done,
					   msecs_to_jiffies(timeout_ms));
}

/* The same, however long it takes. False: the caller was killed. */
bool freezer_wait_killable(struct freezer *freezer)
{
	return !wait_for_completion_killable(&freezer->done);
}

int freezer_error(const struct freezer *freezer)
{
	return freezer->error;
}

/*
 * Not waited for any more: it will be thawed when it is frozen. False: it has
 * just ended, and is still the caller's.
 */
bool freezer_leave(struct freezer *freezer)
{
	if (cmpxchg(&freezer->state, FREEZER_RUNS, FREEZER_LEFT) !=
	    FREEZER_RUNS) {
		wait_for_completion(&freezer->done);
		return false;
	}
	freezer_put(freezer);
	return true;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * The moment of a take: one for all devices.
 *
 * File systems are frozen, one after another; then the gates are closed, one
 * after another, each waited for until its writes have ended. While all are
 * closed, maps are switched and copy-on-write is armed; then all open, and
 * all is thawed.
 *
 * Devices may lie on each other (a loop device on a file of another member):
 * then the upper one's writes can't end while the lower one is frozen or
 * closed. That shows as a timeout: everything is let go, and the next try
 * begins with the device that was late: it is frozen and closed before the
 * others are frozen. Tries and waits are bounded.
 *
 * What is allocated between the first freeze and the last thaw does no I/O.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/blkdev.h>
#include <linux/ktime.h>
#include <linux/sched/mm.h>
#include "compat/compat.h"
#include "diff_area.h"
#include "filter.h"
#include "freezer.h"
#include "take.h"

/* Tries beyond one a device. */
#define TRIES_MORE		3
/* Of these, tries with a device that is late by itself. */
#define ALONE_MAX		2
#define CLOSE_FIRST_MS		1000
#define CLOSE_MAX_MS		8000
/* A freeze that takes longer may be waiting for one of ours. */
#define FREEZE_FIRST_MS		3000
#define FREEZE_MAX_MS		12000
/* A freeze that takes longer, with ours undone, has another reason. */
#define FREEZE_ALONE_MS		60000

/* How long one device may be late, in this try. */
struct patience {
	unsigned int freeze_ms;
	unsigned int close_ms;
};

static void let_all_go_on(struct list_head *members)
{
	struct member *member;

	list_for_each_entry(member, members, link) {
		if (member->closed)
			filter_open(member->filter);
		member->closed = false;
	}
	list_for_each_entry_reverse(member, members, link) {
		if (member->freezer)
			freezer_thaw(member->freezer);
		member->freezer = NULL;
	}
}

/*
 * ETIMEDOUT: it took too long; all were let go on, and it ended then. EBUSY:
 * it did not even end then; it will be thawed when it does.
 */
static int freeze_one(struct member *member, struct list_head *members,
		      const struct patience *patience)
{
	struct freezer *freezer = freezer_begin(member->opened);

	if (IS_ERR(freezer))
		return PTR_ERR(freezer);
	if (freezer_wait(freezer, patience->freeze_ms)) {
		if (freezer_error(freezer))
			pr_warn("%pg is not frozen, error %d\n",
				member->opened, freezer_error(freezer));
		member->freezer = freezer;
		return 0;
	}
	let_all_go_on(members);
	if (!freezer_wait(freezer, FREEZE_ALONE_MS) &&
	    freezer_leave(freezer))
		return -EBUSY;
	freezer_thaw(freezer);
	return -ETIMEDOUT;
}

static int close_one(struct member *member, const struct patience *patience)
{
	member->closed = true;
	return filter_close(member->filter, patience->close_ms);
}

/* The error is that of the member in late. */
static int hold_all(struct list_head *members,
		    const struct patience *patience, struct member **late)
{
	struct member *member;
	int ret = 0;

	list_for_each_entry(member, members, link) {
		*late = member;
		if (member->upper)
			ret = freeze_one(member, members, patience) ?:
			      close_one(member, patience);
		if (ret)
			return ret;
	}
	list_for_each_entry(member, members, link) {
		*late = member;
		if (!member->upper)
			ret = freeze_one(member, members, patience);
		if (ret)
			return ret;
	}
	list_for_each_entry(member, members, link) {
		*late = member;
		if (!member->upper)
			ret = close_one(member, patience);
		if (ret)
			return ret;
	}
	return 0;
}

static void switch_all(struct list_head *members)
{
	struct member *member;

	list_for_each_entry(member, members, link) {
		struct diff_area *area = member->area;

		cbt_switch(&member->filter->cbt, area->set.capacity,
			   area->medium, &member->spare);
		filter_arm(member->filter, area);
	}
}

static int hold_and_switch(struct list_head *members,
			   const struct patience *patience,
			   struct member **late)
{
	unsigned int noio = memalloc_noio_save();
	ktime_t begin = ktime_get();
	int ret;

	ret = hold_all(members, patience, late);
	if (!ret)
		switch_all(members);
	let_all_go_on(members);
	pr_debug("file systems frozen and writes held for %lld us in all, result %d\n",
		 ktime_us_delta(ktime_get(), begin), ret);
	memalloc_noio_restore(noio);
	return ret;
}

static int get_ready(struct list_head *members)
{
	struct member *member;
	int ret;

	list_for_each_entry(member, members, link) {
		struct filter *filter = member->filter;
		struct block_device *bdev;

		bdev = compat_bdev_open(filter->bdev->bd_dev, FMODE_READ);
		if (IS_ERR(bdev))
			return -ENODEV;
		member->opened = bdev;
		if (bdev != filter->bdev)
			return -ENODEV;
		ret = cbt_prepare(&filter->cbt, member->area->set.capacity,
				  member->area->medium, &member->spare);
		if (ret)
			return ret;
		filter_calm_begin(filter);
		member->calm = true;
	}
	list_for_each_entry(member, members, link)
		filter_calm_wait(member->filter);
	return 0;
}

static void let_go(struct list_head *members)
{
	struct member *member;

	list_for_each_entry(member, members, link) {
		if (member->calm)
			filter_uncalm(member->filter);
		member->calm = false;
		cbt_spare_free(&member->spare);
		if (member->opened)
			compat_bdev_close(member->opened, FMODE_READ);
		member->opened = NULL;
		member->upper = false;
	}
}

static unsigned int count_of(struct list_head *members)
{
	struct list_head *each;
	unsigned int count = 0;

	list_for_each(each, members)
		count++;
	return count;
}

/*
 * A guess at which lie on others, so that it need not be found out by being
 * late: bio-based devices, then partitions.
 */
static void sort_members(struct list_head *members)
{
	struct member *member, *next;

	list_for_each_entry_safe(member, next, members, link)
		if (bdev_is_partition(member->filter->bdev))
			list_move(&member->link, members);
	list_for_each_entry_safe(member, next, members, link)
		if (member->filter->bdev->bd_disk->fops->submit_bio)
			list_move(&member->link, members);
}

/* Areas are there. On an error nothing was switched or armed. */
int take_moment(struct list_head *members)
{
	unsigned int tries = count_of(members) + TRIES_MORE;
	struct patience patience = {
		.freeze_ms = FREEZE_FIRST_MS,
		.close_ms = CLOSE_FIRST_MS,
	};
	unsigned int alone = 0;
	struct member *late;
	int ret;

	sort_members(members);
	ret = get_ready(members);
	while (!ret && tries--) {
		late = NULL;
		ret = hold_and_switch(members, &patience, &late);
		if (ret != -ETIMEDOUT || !tries)
			break;
		/* Late even though it was the first: not for another one. */
		if (late->upper && list_is_first(&late->link, members) &&
		    alone++ == ALONE_MAX)
			break;
		pr_info("%pg was late, the next try begins with it\n",
			late->opened);
		late->upper = true;
		list_move(&late->link, members);
		patience.freeze_ms = min_t(unsigned int, patience.freeze_ms * 2,
					   FREEZE_MAX_MS);
		patience.close_ms = min_t(unsigned int, patience.close_ms * 2,
					  CLOSE_MAX_MS);
		ret = 0;
	}
	let_go(members);
	return ret;
}

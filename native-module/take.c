// SPDX-License-Identifier: GPL-2.0
/*
 * The moment of a take: one for all devices.
 *
 * What is dirty is written back while writers go on, so that freezes are short.
 * File systems are frozen, one after another; then the gates are closed, one
 * after another, each waited for until its writes have ended. While all are
 * closed, maps are switched and copy-on-write is armed; then all open, and
 * all is thawed.
 *
 * Devices may lie on each other (a loop device on a file of another member):
 * then the upper one's writes can't end while the lower one is frozen or
 * closed. That shows as a timeout: everything is let go, and the next try
 * begins with the device that was late: it is frozen and closed before the
 * others are frozen.
 *
 * Bounds: while something is held, a freeze is waited for FREEZE_MAX_MS at the
 * most. A freeze that holds up nobody but its own file system can't be taken
 * back, and is waited for until it ends or the caller is killed. Gates are shut
 * for GATES_SHUT_MAX_MS in all.
 *
 * What is allocated between the first freeze and the last thaw does no I/O.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/blkdev.h>
#include <linux/ktime.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include "diff_area.h"
#include "filter.h"
#include "freezer.h"
#include "member.h"
#include "take.h"

/* Tries beyond one a device. */
#define TRIES_MORE		3
/* Of these, tries with a device that is late by itself. */
#define ALONE_MAX		2
#define CLOSE_FIRST_MS		1000
/* Writes are held by gates for no longer than that, in one take. */
#define GATES_SHUT_MAX_MS	6000
/* A freeze that takes longer may be waiting for one of ours. */
#define FREEZE_FIRST_MS		3000
#define FREEZE_MAX_MS		12000

/* What is held in this try, and how long one device may be late. */
struct moment {
	struct list_head *members;
	struct member *late;		/* whom it was waited for last */
	unsigned int freeze_ms;
	unsigned int close_ms;
	unsigned int shut_ms;		/* left of GATES_SHUT_MAX_MS */
	unsigned int shut;		/* gates, at this moment */
	unsigned int frozen;		/* file systems, at this moment */
	ktime_t shut_since;
};

static unsigned int shut_ms_left(const struct moment *moment)
{
	s64 gone = 0;

	if (moment->shut)
		gone = ktime_ms_delta(ktime_get(), moment->shut_since);
	return gone < moment->shut_ms ? moment->shut_ms - gone : 0;
}

static void let_all_go_on(struct moment *moment)
{
	struct member *member;

	list_for_each_entry(member, moment->members, link) {
		if (member->closed)
			filter_open(member->filter);
		member->closed = false;
	}
	moment->shut_ms = shut_ms_left(moment);
	moment->shut = 0;
	list_for_each_entry_reverse(member, moment->members, link) {
		if (member->freezer)
			freezer_thaw(member->freezer);
		member->freezer = NULL;
	}
	moment->frozen = 0;
}

/* Whether it has ended while others may be held meanwhile. */
static bool freeze_wait(struct freezer *freezer, const struct moment *moment)
{
	if (moment->shut)
		return freezer_wait(freezer, min(moment->freeze_ms,
						 shut_ms_left(moment)));
	if (moment->frozen)
		return freezer_wait(freezer, moment->freeze_ms);
	return freezer_wait_killable(freezer);
}

/*
 * ETIMEDOUT: it took too long; all were let go on, and it ended then. EINTR:
 * the caller was killed; it will be thawed as soon as it ends.
 */
static int freeze_one(struct member *member, struct moment *moment)
{
	struct freezer *freezer = freezer_begin(member->opened.bdev);

	if (IS_ERR(freezer))
		return PTR_ERR(freezer);
	if (freeze_wait(freezer, moment)) {
		if (freezer_error(freezer))
			pr_warn("%pg is not frozen, error %d\n",
				member->opened.bdev, freezer_error(freezer));
		member->freezer = freezer;
		moment->frozen++;
		return 0;
	}
	let_all_go_on(moment);
	if (!freezer_wait_killable(freezer) && freezer_leave(freezer)) {
		pr_warn("%pg is still being frozen for a take whose caller was killed\n",
			member->opened.bdev);
		return -EINTR;
	}
	freezer_thaw(freezer);
	return fatal_signal_pending(current) ? -EINTR : -ETIMEDOUT;
}

static int close_one(struct member *member, struct moment *moment)
{
	if (!moment->shut++)
		moment->shut_since = ktime_get();
	member->closed = true;
	return filter_close(member->filter,
			    min(moment->close_ms, shut_ms_left(moment)));
}

/* The error is that of the member in late. */
static int hold_all(struct moment *moment)
{
	struct member *member;
	int ret = 0;

	list_for_each_entry(member, moment->members, link) {
		moment->late = member;
		if (member->upper)
			ret = freeze_one(member, moment) ?:
			      close_one(member, moment);
		if (ret)
			return ret;
	}
	list_for_each_entry(member, moment->members, link) {
		moment->late = member;
		if (!member->upper)
			ret = freeze_one(member, moment);
		if (ret)
			return ret;
	}
	list_for_each_entry(member, moment->members, link) {
		moment->late = member;
		if (!member->upper)
			ret = close_one(member, moment);
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

static int hold_and_switch(struct moment *moment)
{
	unsigned int noio = memalloc_noio_save();
	ktime_t begin = ktime_get();
	int ret;

	ret = hold_all(moment);
	if (!ret)
		switch_all(moment->members);
	let_all_go_on(moment);
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

/* They are opened, and have areas. On an error nothing was switched. */
int take_moment(struct list_head *members)
{
	unsigned int tries = count_of(members) + TRIES_MORE;
	struct moment moment = {
		.members = members,
		.freeze_ms = FREEZE_FIRST_MS,
		.close_ms = CLOSE_FIRST_MS,
		.shut_ms = GATES_SHUT_MAX_MS,
	};
	unsigned int alone = 0;
	struct member *late;
	int ret;

	sort_members(members);
	ret = get_ready(members);
	while (!ret && tries--) {
		ret = hold_and_switch(&moment);
		late = moment.late;
		if (ret != -ETIMEDOUT || !tries)
			break;
		if (!moment.shut_ms) {
			pr_err("%pg was late: writes were held for %d ms in all, which is the most\n",
			       late->opened.bdev, GATES_SHUT_MAX_MS);
			break;
		}
		/* Late even though it was the first: not for another one. */
		if (late->upper && list_is_first(&late->link, members) &&
		    alone++ == ALONE_MAX)
			break;
		pr_info("%pg was late, the next try begins with it\n",
			late->opened.bdev);
		late->upper = true;
		list_move(&late->link, members);
		moment.freeze_ms = min_t(unsigned int, moment.freeze_ms * 2,
					 FREEZE_MAX_MS);
		moment.close_ms *= 2;
		ret = 0;
	}
	let_go(members);
	return ret;
}

// SPDX-License-Identifier: GPL-2.0
#include <linux/blkdev.h>
#include <linux/err.h>
#include "filter.h"
#include "freezer.h"
#include "member.h"

/* EINTR: the caller was killed. What is left behind holds nobody up. */
static int flush_all(struct list_head *members)
{
	struct member *member;
	int ret = 0;

	list_for_each_entry(member, members, link) {
		struct freezer *flusher = freezer_begin_flush(member->opened.bdev);

		if (IS_ERR(flusher)) {
			ret = PTR_ERR(flusher);
			break;
		}
		member->freezer = flusher;
	}
	list_for_each_entry(member, members, link) {
		if (!member->freezer)
			continue;
		if (freezer_wait_killable(member->freezer) ||
		    !freezer_leave(member->freezer))
			freezer_thaw(member->freezer);
		else
			ret = -EINTR;
		member->freezer = NULL;
	}
	return ret;
}

/*
 * Opens the devices, and writes back what is dirty while their writers go on.
 * members_close() closes them, also after an error.
 */
int members_open(struct list_head *members)
{
	struct member *member;

	list_for_each_entry(member, members, link) {
		struct block_device *bdev = member->filter->bdev;

		if (compat_bdev_open(&member->opened, bdev->bd_dev) ||
		    member->opened.bdev != bdev)
			return -ENODEV;
	}
	return flush_all(members);
}

void members_close(struct list_head *members)
{
	struct member *member;

	list_for_each_entry(member, members, link)
		compat_bdev_close(&member->opened);
}

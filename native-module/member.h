/* SPDX-License-Identifier: GPL-2.0 */
#ifndef BLKSNAP_MEMBER_H
#define BLKSNAP_MEMBER_H

#include <linux/list.h>
#include "cbt.h"
#include "compat/compat.h"

struct diff_area;
struct filter;
struct freezer;
struct image;

/* A device of a snapshot. Guarded by the snapshot's lock. */
struct member {
	struct list_head link;
	struct filter *filter;
	struct diff_area *area;		/* from the take on */
	struct image *image;		/* from the take on */

	/* from members_open() to members_close() */
	struct compat_bdev opened;
	struct cbt_tables spare;
	struct freezer *freezer;	/* flushes, or: is frozen */
	bool calm;
	bool closed;
	bool upper;	/* was late: may lie on another one */
};

int members_open(struct list_head *members);
void members_close(struct list_head *members);

#endif /* BLKSNAP_MEMBER_H */

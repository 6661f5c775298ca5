/* SPDX-License-Identifier: GPL-2.0 */
#ifndef BLKSNAP_TAKE_H
#define BLKSNAP_TAKE_H

#include <linux/list.h>
#include "cbt.h"

struct block_device;
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

	/* while a take runs */
	struct block_device *opened;
	struct cbt_tables spare;
	struct freezer *freezer;	/* the file system is frozen */
	bool calm;
	bool closed;
	bool upper;	/* was late: may lie on another one */
};

int take_moment(struct list_head *members);

#endif /* BLKSNAP_TAKE_H */

/* SPDX-License-Identifier: GPL-2.0 */
#ifndef BLKSNAP_STORAGE_SPACE_H
#define BLKSNAP_STORAGE_SPACE_H

#include <linux/blkdev.h>
#include <linux/list.h>
#include <linux/spinlock.h>
#include "uapi/blksnap.h"

struct event_queue;

/* Where something lies in the difference storage. */
struct storage_place {
	struct block_device *bdev;
	u64 sector;
};

/*
 * The space of a difference storage: the pool of ranges, from which places
 * are given out in order, and the events that ask for more.
 *
 * A range is appended at its end and never given back before the snapshot
 * goes.
 */
struct storage_space {
	spinlock_t lock;	/* ranges, devices, numbers below; leaf */
	struct list_head ranges;
	struct list_head devices;
	struct storage_range *current_range;
	u32 range_count;	/* changed by append only: its caller's lock */
	u64 capacity;		/* sectors, all ranges */
	u64 filled;		/* sectors, given out or skipped */
	u64 requested;		/* sectors, asked for by events */
	u64 ask;		/* sectors to ask for by the next event */
	struct event_queue *events;
};

int storage_space_init(struct storage_space *space, struct event_queue *events);
void storage_space_destroy(struct storage_space *space);

int storage_space_append(struct storage_space *space, const char *path,
			 const struct blksnap_sectors __user *ranges,
			 u32 count);
bool storage_space_is_empty(struct storage_space *space);
int storage_space_find(struct storage_space *space, u64 sectors,
		       unsigned int block_size, struct storage_place *place);
void storage_space_ask(struct storage_space *space);

#endif /* BLKSNAP_STORAGE_SPACE_H */

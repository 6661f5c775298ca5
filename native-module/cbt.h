/* SPDX-License-Identifier: GPL-2.0 */
#ifndef BLKSNAP_CBT_H
#define BLKSNAP_CBT_H

#include <linux/mutex.h>
#include <linux/types.h>
#include <linux/uuid.h>
#include "uapi/blksnap.h"

/* The memory of one pair of maps, replaced as a whole. */
struct cbt_tables {
	u64 capacity;		/* sectors */
	u64 medium;		/* the disk's sequence number: what is in it */
	unsigned int shift;	/* of bytes */
	u32 count;
	u8 *write;
	u8 *read;
};

/*
 * The changed-block map of a filter.
 *
 * Two groups use it. Writes of the live device mark without a lock while they
 * are counted as in flight; a take replaces tables and numbers only when none
 * is in flight, so a mark sees them constant. Everybody else holds lock. A
 * mark stores a byte that all concurrent marks store alike (active), so that
 * bytes need no lock of their own.
 */
struct cbt {
	struct mutex lock;	/* tables, numbers, generation against ioctls */
	struct cbt_tables tables;
	uuid_t generation;
	u8 active;
	u8 previous;
	bool corrupted;		/* an impossible index was seen */
};

int cbt_init(struct cbt *cbt, u64 capacity, u64 medium);
void cbt_destroy(struct cbt *cbt);

void cbt_mark(struct cbt *cbt, u64 sector, u64 count);
int cbt_mark_both(struct cbt *cbt, u64 sector, u64 count);

int cbt_prepare(struct cbt *cbt, u64 capacity, u64 medium,
		struct cbt_tables *spare);
void cbt_switch(struct cbt *cbt, u64 capacity, u64 medium,
		struct cbt_tables *spare);
void cbt_spare_free(struct cbt_tables *spare);

void cbt_info(struct cbt *cbt, struct blksnap_cbtinfo *info);
ssize_t cbt_read(struct cbt *cbt, u32 offset, u32 length, u8 __user *to);

#endif /* BLKSNAP_CBT_H */

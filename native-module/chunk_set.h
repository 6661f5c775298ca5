/* SPDX-License-Identifier: GPL-2.0 */
#ifndef BLKSNAP_CHUNK_SET_H
#define BLKSNAP_CHUNK_SET_H

#include <linux/blkdev.h>
#include <linux/completion.h>
#include <linux/refcount.h>
#include <linux/wait.h>
#include "diff_storage.h"

/*
 * What the chunks of one device have in common: their shape, where their
 * content is and goes, and whether it is still worth anything. Constant but
 * for the error and the count.
 *
 * A reference is held by each write that waits for a copy, and by each copy
 * under way.
 */
struct chunk_set {
	struct storage_user user;	/* its items are the chunks */
	struct diff_storage *storage;
	struct block_device *bdev;
	u64 capacity;			/* sectors, at the take */
	unsigned int shift;		/* of sectors */
	unsigned int unit_shift;	/* of sectors */
	wait_queue_head_t copied;	/* units of some chunk are not busy */
	refcount_t refs;
	struct completion idle;

	refcount_t live;	/* reads of bdev under way, and one */
	bool gone;		/* bdev; by xchg() */
	struct completion unread;
};

void chunk_set_init(struct chunk_set *set, struct block_device *bdev,
		    struct diff_storage *storage);

bool chunk_set_try_get(struct chunk_set *set);
void chunk_set_get(struct chunk_set *set);
void chunk_set_put(struct chunk_set *set);
void chunk_set_wait_idle(struct chunk_set *set);

/*
 * Reading bdev: only with such a reference, which is not to be had any more
 * when the device is about to go; chunk_set_gone() waits for those given out.
 */
bool chunk_set_live_get(struct chunk_set *set);
void chunk_set_live_put(struct chunk_set *set);
void chunk_set_gone(struct chunk_set *set);

u64 chunk_set_units(const struct chunk_set *set, u32 number, u64 sector,
		    u64 end);

static inline int chunk_set_error(const struct chunk_set *set)
{
	return READ_ONCE(set->user.error);
}

/* Whose chunks they are decides what that means. Any context. */
static inline void chunk_set_fail(struct chunk_set *set, int error)
{
	set->user.fail(&set->user, error);
}

static inline u64 chunk_set_start(const struct chunk_set *set, u32 number)
{
	return (u64)number << set->shift;
}

/* The sectors of a chunk that the device has; the last may be short. */
static inline u64 chunk_set_sectors(const struct chunk_set *set, u32 number)
{
	return min_t(u64, 1ULL << set->shift,
		     set->capacity - chunk_set_start(set, number));
}

#endif /* BLKSNAP_CHUNK_SET_H */

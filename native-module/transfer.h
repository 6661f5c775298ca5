/* SPDX-License-Identifier: GPL-2.0 */
#ifndef BLKSNAP_TRANSFER_H
#define BLKSNAP_TRANSFER_H

#include <linux/types.h>

struct bio;
struct block_device;
struct page;

/*
 * Units of somebody's pages, to be read into them or written from them. The
 * pages are the owner's, and stay where they are until end is called; the job
 * itself is not looked at after the call that begins it.
 */
struct transfer_job {
	struct block_device *bdev;
	u64 sector;		/* where the first of all pages lies */
	struct page **pages;
	unsigned int count;	/* of pages */
	unsigned int shift;	/* pages of a unit, power of two */
	u64 bytes;		/* a read: what is there; zeroes follow */
	u64 units;
	/* How it ended. Any context. */
	void (*end)(void *owner, u64 units, int error);
	void *owner;
};

int transfer_engine_start(void);
void transfer_engine_stop(void);

/* Whole pages are written. */
void transfer_read(const struct transfer_job *job);
void transfer_write(const struct transfer_job *job);

/*
 * Whether that is a write of ours, whoever submits it: a cgroup's throttle lets
 * it go on in a thread of its own.
 */
bool transfer_is_store(const struct bio *bio);

#endif /* BLKSNAP_TRANSFER_H */

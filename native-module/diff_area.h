/* SPDX-License-Identifier: GPL-2.0 */
#ifndef BLKSNAP_DIFF_AREA_H
#define BLKSNAP_DIFF_AREA_H

#include <linux/blkdev.h>
#include <linux/completion.h>
#include <linux/list.h>
#include <linux/refcount.h>
#include <linux/wait.h>
#include "diff_buffer.h"
#include "event.h"

struct cbt;
struct chunk;
struct diff_storage;

/*
 * What a snapshot knows of one device: its chunks, made on first touch, and
 * whether it is sound. From the take to the destruction; a reference is held
 * by each write that waits for a copy, and by each copy under way.
 */
struct diff_area {
	struct list_head link;		/* in storage->areas, constant */
	struct block_device *bdev;
	struct cbt *cbt;
	struct diff_storage *storage;
	u64 capacity;			/* sectors, at the take */
	u64 medium;			/* the disk's sequence, likewise */
	unsigned int chunk_shift;	/* of sectors */
	unsigned int unit_shift;	/* of sectors */
	unsigned int block_size;	/* logical, bytes */
	u32 chunk_count;
	struct chunk **chunks;		/* set once each, by cmpxchg() */
	wait_queue_head_t copied;	/* some chunk's units are not busy now */
	int error;			/* 0, or the first; set once */
	struct event_queue *events;
	struct event *corrupted;	/* NULL: posted */
	refcount_t refs;
	struct completion idle;
};

/* A range of sectors whose old content somebody needs kept. */
struct copy_request {
	struct copy_waiter waiter;
	u64 sector;
	u64 count;
	u32 next;	/* the first chunk not known to be kept */
	u32 started;	/* the first chunk whose copy was not begun */
	u32 last;
};

struct diff_area *diff_area_make(struct block_device *bdev, struct cbt *cbt,
				 struct diff_storage *storage,
				 struct event_queue *events);
void diff_area_free(struct diff_area *area);
void diff_area_wait_idle(struct diff_area *area);

bool diff_area_try_get(struct diff_area *area);
void diff_area_get(struct diff_area *area);
void diff_area_put(struct diff_area *area);

void diff_area_corrupt(struct diff_area *area, int error);
void diff_area_give_up(struct diff_area *area);

bool diff_area_has(struct diff_area *area, u64 sector, u64 count);
void diff_area_request(struct diff_area *area, struct copy_request *request,
		       u64 sector, u64 count,
		       void (*wake)(struct copy_waiter *waiter));
bool diff_area_preserve(struct diff_area *area, struct copy_request *request);

struct chunk *diff_area_find(struct diff_area *area, u32 number);
struct chunk *diff_area_chunk(struct diff_area *area, u32 number);
u64 diff_area_units(struct diff_area *area, u32 number, u64 sector, u64 end);
u64 diff_area_room(struct diff_area *area);

static inline int diff_area_error(struct diff_area *area)
{
	return READ_ONCE(area->error);
}

/* Another medium than at the take has nothing of what is not yet copied. */
static inline void diff_area_check_medium(struct diff_area *area)
{
	if (unlikely(READ_ONCE(area->bdev->bd_disk->diskseq) != area->medium))
		diff_area_corrupt(area, -ENODEV);
}

static inline u64 diff_area_chunk_start(const struct diff_area *area,
					u32 number)
{
	return (u64)number << area->chunk_shift;
}

/* The sectors of a chunk that the device has; the last may be short. */
static inline u64 diff_area_chunk_sectors(const struct diff_area *area,
					  u32 number)
{
	return min_t(u64, 1ULL << area->chunk_shift,
		     area->capacity - diff_area_chunk_start(area, number));
}

#endif /* BLKSNAP_DIFF_AREA_H */

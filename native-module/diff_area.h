/* SPDX-License-Identifier: GPL-2.0 */
#ifndef BLKSNAP_DIFF_AREA_H
#define BLKSNAP_DIFF_AREA_H

#include "chunk_set.h"
#include "diff_buffer.h"
#include "event.h"

struct cbt;
struct chunk;

/*
 * What a snapshot knows of one device: its chunks, made on first touch, and
 * whether it is sound. From the take to the destruction.
 */
struct diff_area {
	struct chunk_set set;
	struct cbt *cbt;
	u64 medium;			/* the disk's sequence, at the take */
	u32 chunk_count;
	struct chunk **chunks;		/* set once each, by cmpxchg() */
	struct event_queue *events;
	struct event *corrupted;	/* NULL: posted */
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

void diff_area_corrupt(struct diff_area *area, int error);
void diff_area_give_up(struct diff_area *area);
void diff_area_gone(struct diff_area *area);

bool diff_area_has(struct diff_area *area, u64 sector, u64 count);
bool diff_area_under_way(struct diff_area *area, u64 sector, u64 count);
void diff_area_request(struct diff_area *area, struct copy_request *request,
		       u64 sector, u64 count,
		       void (*wake)(struct copy_waiter *waiter));
bool diff_area_preserve(struct diff_area *area, struct copy_request *request);

struct chunk *diff_area_find(struct diff_area *area, u32 number);
struct chunk *diff_area_chunk(struct diff_area *area, u32 number);
bool diff_area_room(struct diff_area *area);

static inline int diff_area_error(struct diff_area *area)
{
	return chunk_set_error(&area->set);
}

/* Another medium than at the take has nothing of what is not yet copied. */
static inline void diff_area_check_medium(struct diff_area *area)
{
	struct gendisk *disk = area->set.bdev->bd_disk;

	if (unlikely(READ_ONCE(disk->diskseq) != area->medium))
		diff_area_corrupt(area, -ENODEV);
}

#endif /* BLKSNAP_DIFF_AREA_H */

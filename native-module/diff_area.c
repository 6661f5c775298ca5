// SPDX-License-Identifier: GPL-2.0
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/math64.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include "chunk_copy.h"
#include "diff_area.h"

/* Chunks that one write has copied ahead of the one it waits for. */
#define COPY_AHEAD_MAX	8
/* An image write waits that long for memory before it fails. */
#define ROOM_SECONDS	60

static void area_fail(struct storage_user *user, int error)
{
	diff_area_corrupt(container_of(user, struct diff_area, set.user),
			  error);
}

struct diff_area *diff_area_make(struct block_device *bdev, struct cbt *cbt,
				 struct diff_storage *storage,
				 struct event_queue *events)
{
	struct diff_area *area = kzalloc(sizeof(*area), GFP_KERNEL);
	u64 count;

	if (!area)
		return ERR_PTR(-ENOMEM);
	chunk_set_init(&area->set, bdev, storage);
	area->set.user.store = chunk_store;
	area->set.user.fail = area_fail;
	area->cbt = cbt;
	area->medium = bdev->bd_disk->diskseq;
	area->events = events;

	area->corrupted = kzalloc(sizeof(*area->corrupted), GFP_KERNEL);
	count = DIV64_U64_ROUND_UP(area->set.capacity, 1ULL << area->set.shift);
	if (!area->corrupted || count > U32_MAX) {
		kfree(area->corrupted);
		kfree(area);
		return ERR_PTR(count > U32_MAX ? -EFBIG : -ENOMEM);
	}
	area->chunk_count = count;
	area->chunks = kvcalloc(max_t(u64, count, 1), sizeof(*area->chunks),
				GFP_KERNEL);
	if (!area->chunks) {
		kfree(area->corrupted);
		kfree(area);
		return ERR_PTR(-ENOMEM);
	}
	return area;
}

/* After chunk_set_wait_idle(), or when it was never seen by anybody. */
void diff_area_free(struct diff_area *area)
{
	u32 i;

	for (i = 0; i < area->chunk_count; i++) {
		if (area->chunks[i])
			chunk_free(area->chunks[i]);
		if (!(i % 1024))
			cond_resched();
	}
	kvfree(area->chunks);
	kfree(area->corrupted);
	kfree(area);
}

/*
 * The image of this device is lost; the live device works on. The first error
 * is kept and told once. Any context.
 */
void diff_area_corrupt(struct diff_area *area, int error)
{
	struct blksnap_event_corrupted body = {
		.dev_id_mj = MAJOR(area->set.bdev->bd_dev),
		.dev_id_mn = MINOR(area->set.bdev->bd_dev),
		.err_code = abs(error),
	};
	struct event *event;

	if (cmpxchg(&area->set.user.error, 0, -abs(error)))
		return;
	pr_err_ratelimited("snapshot image of %u:%u is corrupted, error %d\n",
			   body.dev_id_mj, body.dev_id_mn, error);
	event = xchg(&area->corrupted, NULL);
	event_fill(event, BLKSNAP_EVENT_CORRUPTED, &body, sizeof(body));
	event_post(area->events, event);
	diff_buffer_feed(&area->set.storage->pool);
	wake_up_all(&area->set.copied);
}

/* As if corrupted, but nobody is told: the snapshot goes away. */
void diff_area_give_up(struct diff_area *area)
{
	cmpxchg(&area->set.user.error, 0, -ENODEV);
	diff_buffer_feed(&area->set.storage->pool);
	wake_up_all(&area->set.copied);
}

/* The device is about to go. Waits until nothing of it is read any more. */
void diff_area_gone(struct diff_area *area)
{
	diff_area_corrupt(area, -ENODEV);
	chunk_set_gone(&area->set);
}

struct chunk *diff_area_find(struct diff_area *area, u32 number)
{
	/* pairs with cmpxchg() in diff_area_chunk() */
	return smp_load_acquire(&area->chunks[number]);
}

/*
 * The chunk, made if it is new; or ENOMEM. Must not be called with
 * current->bio_list set.
 */
struct chunk *diff_area_chunk(struct diff_area *area, u32 number)
{
	struct chunk *chunk = diff_area_find(area, number);
	struct chunk *other;

	if (chunk)
		return chunk;
	chunk = chunk_make(&area->set, number);
	if (!chunk)
		return ERR_PTR(-ENOMEM);
	/* pairs with diff_area_find() */
	other = cmpxchg(&area->chunks[number], NULL, chunk);
	if (!other)
		return chunk;
	chunk_free(chunk);
	return other;
}

/* Whether of each chunk of a range there is what is asked for. */
static __always_inline bool
all_have(struct diff_area *area, u64 sector, u64 count,
	 bool (*has)(struct chunk *chunk, u64 units))
{
	struct chunk_set *set = &area->set;
	u64 end = min(sector + count, set->capacity);
	struct chunk *chunk;
	u32 number, last;

	if (sector >= end || diff_area_error(area))
		return true;
	last = (end - 1) >> set->shift;
	for (number = sector >> set->shift; number <= last; number++) {
		chunk = diff_area_find(area, number);
		if (!chunk ||
		    !has(chunk, chunk_set_units(set, number, sector, end)))
			return false;
	}
	return true;
}

/* Whether a write may go down at once. Any context, no lock. */
bool diff_area_has(struct diff_area *area, u64 sector, u64 count)
{
	return all_have(area, sector, count, chunk_has);
}

/* Whether it may do so soon, without that anybody begins a copy. */
bool diff_area_under_way(struct diff_area *area, u64 sector, u64 count)
{
	return all_have(area, sector, count, chunk_has_or_copies);
}

/* For a range of which diff_area_has() was false. */
void diff_area_request(struct diff_area *area, struct copy_request *request,
		       u64 sector, u64 count,
		       void (*wake)(struct copy_waiter *waiter))
{
	struct chunk_set *set = &area->set;
	u64 end = min(sector + count, set->capacity);

	INIT_LIST_HEAD(&request->waiter.link);
	request->waiter.wake = wake;
	request->sector = sector;
	request->count = end - sector;
	request->next = sector >> set->shift;
	request->started = request->next;
	request->last = (end - 1) >> set->shift;
}

/*
 * Carries a request on: true when the write may go down, false when it waits
 * and wake will be called, after which this is to be called again. Reads are
 * begun, never waited for. Want of memory is waited for as well, by whoever is
 * woken: the writer may be one who frees memory. Must not be called with
 * current->bio_list set.
 */
bool diff_area_preserve(struct diff_area *area, struct copy_request *request)
{
	struct chunk_set *set = &area->set;
	u64 end = request->sector + request->count;
	unsigned int noio = memalloc_noio_save();
	struct chunk *chunk;
	bool done = false;
	bool hungry;
	u64 units;

	while (request->next <= request->last) {
		if (diff_area_error(area))
			break;
		chunk = diff_area_find(area, request->next);
		units = chunk_set_units(set, request->next, request->sector,
					end);
		if (chunk && chunk_has(chunk, units)) {
			request->next++;
			continue;
		}
		request->started = max(request->started, request->next);
		hungry = false;
		while (request->started <= request->last &&
		       request->started - request->next < COPY_AHEAD_MAX) {
			u32 number = request->started;

			if (diff_buffer_full(&set->storage->pool))
				break;
			chunk = diff_area_chunk(area, number);
			hungry = IS_ERR(chunk) ||
				 !chunk_preserve(chunk,
						 chunk_set_units(set, number,
								 request->sector,
								 end));
			if (hungry)
				break;
			request->started++;
		}
		if (diff_area_error(area))
			break;
		if (request->started == request->next) {
			if (hungry && diff_buffer_hunger(&set->storage->pool,
							 &request->waiter))
				goto waiting;
			if (hungry)
				diff_area_corrupt(area, -ENOMEM);
			else if (diff_buffer_starve(&set->storage->pool,
						    &request->waiter))
				goto waiting;
			continue;
		}
		chunk = diff_area_find(area, request->next);
		if (chunk_wait(chunk, units, &request->waiter))
			goto waiting;
		/* Kept by now; or whoever was copying it had no memory. */
		request->started = request->next;
	}
	done = true;
waiting:
	memalloc_noio_restore(noio);
	return done;
}

/* Waits until there is memory for an image write. */
bool diff_area_room(struct diff_area *area)
{
	return diff_buffer_room(&area->set.storage->pool, ROOM_SECONDS,
				&area->set.user.error);
}

// SPDX-License-Identifier: GPL-2.0
#include <linux/bio.h>
#include <linux/highmem.h>
#include "cbt.h"
#include "chunk_access.h"
#include "diff_area.h"
#include "image_data.h"

/* Copies between a bio and the pages of a pinned or opened chunk. */
static void copy_pages(struct chunk *chunk, struct bio *bio,
		       struct bvec_iter iter, u64 at, unsigned int bytes,
		       bool to_bio)
{
	while (bytes) {
		struct bio_vec bv = bio_iter_iovec(bio, iter);
		struct page *page = chunk->pages[at >> PAGE_SHIFT];
		unsigned int offset = offset_in_page(at);
		unsigned int len = min3((unsigned int)bv.bv_len, bytes,
					(unsigned int)PAGE_SIZE - offset);

		if (to_bio)
			memcpy_page(bv.bv_page, bv.bv_offset, page, offset,
				    len);
		else
			memcpy_page(page, offset, bv.bv_page, bv.bv_offset,
				    len);
		bio_advance_iter_single(bio, &iter, len);
		at += len;
		bytes -= len;
	}
}

/* Reads a part of the bio's data from a device that stays. */
static int read_device(struct bio_set *bios, struct bio *bio,
		       struct bvec_iter iter, struct block_device *bdev,
		       u64 sector, unsigned int bytes)
{
	struct bio *part = bio_alloc_clone(bdev, bio, GFP_NOIO, bios);
	int ret;

	part->bi_opf = REQ_OP_READ | (bio->bi_opf & (REQ_RAHEAD | REQ_META));
	part->bi_iter = iter;
	part->bi_iter.bi_sector = sector;
	part->bi_iter.bi_size = bytes;
	ret = submit_bio_wait(part);
	bio_put(part);
	return ret;
}

/* The same from the device itself. */
static int read_live(struct chunk_set *set, struct bio_set *bios,
		     struct bio *bio, struct bvec_iter iter,
		     unsigned int bytes)
{
	int ret;

	if (!chunk_set_live_get(set))
		return -ENODEV;
	ret = read_device(bios, bio, iter, set->bdev, iter.bi_sector, bytes);
	chunk_set_live_put(set);
	return ret;
}

/* Sectors from there on, up to end, that only the live device has. */
static u64 live_sectors(struct diff_area *area, u64 sector, u64 end)
{
	struct chunk_set *set = &area->set;
	u64 at = sector;

	while (at < end) {
		u32 number = at >> set->shift;
		u64 start = chunk_set_start(set, number);
		u64 stop = start + (1ULL << set->shift);
		struct chunk *chunk = diff_area_find(area, number);
		unsigned int unit, run;

		if (!chunk) {
			at = stop;
			continue;
		}
		unit = (at - start) >> set->unit_shift;
		run = chunk_live_run(chunk, unit);
		if (!run)
			break;
		at = min(stop, start + ((u64)(unit + run) << set->unit_shift));
	}
	return min(at, end) - sector;
}

/* Reads from the beginning of the range what has one source. */
static int read_run(struct diff_area *area, struct bio_set *bios,
		    struct bio *bio, struct bvec_iter iter,
		    unsigned int *bytes)
{
	struct chunk_set *set = &area->set;
	u64 sector = iter.bi_sector;
	u64 end = sector + (iter.bi_size >> SECTOR_SHIFT);
	u32 number = sector >> set->shift;
	u64 at = sector - chunk_set_start(set, number);
	struct chunk *chunk = diff_area_find(area, number);
	enum chunk_source source = CHUNK_LIVE;
	unsigned int unit = at >> set->unit_shift;
	unsigned int run = 0;
	u64 count;
	int ret;

	if (chunk)
		source = chunk_source(chunk, unit, &run);
	count = min(end - sector, ((u64)(unit + run) << set->unit_shift) - at);
	*bytes = count << SECTOR_SHIFT;
	switch (source) {
	case CHUNK_MEMORY:
		copy_pages(chunk, bio, iter, at << SECTOR_SHIFT, *bytes, true);
		chunk_unpin(chunk);
		return 0;
	case CHUNK_STORED:
		return read_device(bios, bio, iter, chunk->item.place.bdev,
				   chunk->item.place.sector + at, *bytes);
	case CHUNK_FAILED:
		return -EIO;
	case CHUNK_LIVE:
		break;
	}
	count = live_sectors(area, sector, end);
	*bytes = count << SECTOR_SHIFT;
	if (!count)
		return 0; /* it was copied meanwhile */
	ret = read_live(set, bios, bio, iter, *bytes);
	/*
	 * What was copied meanwhile may be overwritten by now: its bits were
	 * set before the write went down, so they are seen here.
	 */
	smp_mb();
	*bytes = live_sectors(area, sector, sector + count) << SECTOR_SHIFT;
	return *bytes ? ret : 0;
}

int image_data_read(struct diff_area *area, struct bio_set *bios,
		    struct bio *bio)
{
	struct bvec_iter iter = bio->bi_iter;
	unsigned int bytes;
	int ret;

	while (iter.bi_size) {
		if (diff_area_error(area))
			return -EIO;
		ret = read_run(area, bios, bio, iter, &bytes);
		if (ret)
			return ret;
		bio_advance_iter(bio, &iter, bytes);
	}
	/* An area that was corrupted meanwhile holds nothing back any more. */
	diff_area_check_medium(area);
	return diff_area_error(area) ? -EIO : 0;
}

/* The storage gets whole pages: behind the device's end there is nothing. */
static void clear_tail(struct chunk *chunk, u64 at)
{
	if (offset_in_page(at))
		zero_user_segment(chunk->pages[at >> PAGE_SHIFT],
				  offset_in_page(at), PAGE_SIZE);
}

/* Writes the part of the bio that lies in one chunk. */
static int write_chunk(struct diff_area *area, struct bio *bio,
		       struct bvec_iter iter, u64 sector, u64 end)
{
	struct chunk_set *set = &area->set;
	u32 number = sector >> set->shift;
	u64 start = chunk_set_start(set, number);
	u64 units = chunk_set_units(set, number, sector, end);
	u64 unit_mask = (1ULL << set->unit_shift) - 1;
	u64 partial = 0;
	struct chunk *chunk;
	int ret;

	if (!diff_area_room(area))
		return -ETIMEDOUT;
	chunk = diff_area_chunk(area, number);
	if (IS_ERR(chunk))
		return PTR_ERR(chunk);
	if ((sector - start) & unit_mask)
		partial |= chunk_set_units(set, number, sector, sector + 1);
	if (((end - start) & unit_mask) && end != set->capacity)
		partial |= chunk_set_units(set, number, end - 1, end);
	ret = chunk_open(chunk, units, partial);
	if (ret)
		return ret;
	copy_pages(chunk, bio, iter, (sector - start) << SECTOR_SHIFT,
		   (end - sector) << SECTOR_SHIFT, false);
	if (end == set->capacity)
		clear_tail(chunk, (end - start) << SECTOR_SHIFT);
	chunk_close(chunk, units, 0);
	return 0;
}

int image_data_write(struct diff_area *area, struct bio *bio)
{
	struct chunk_set *set = &area->set;
	struct bvec_iter iter = bio->bi_iter;
	int ret;

	cbt_mark_both(area->cbt, iter.bi_sector, bio_sectors(bio));
	while (iter.bi_size) {
		u64 sector = iter.bi_sector;
		u64 chunk_end = ((sector >> set->shift) + 1) << set->shift;
		u64 end = min(sector + (iter.bi_size >> SECTOR_SHIFT),
			      chunk_end);

		ret = write_chunk(area, bio, iter, sector, end);
		if (ret)
			return ret;
		bio_advance_iter(bio, &iter, (end - sector) << SECTOR_SHIFT);
	}
	return diff_area_error(area) ? -EIO : 0;
}

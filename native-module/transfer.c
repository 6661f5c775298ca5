// SPDX-License-Identifier: GPL-2.0
#include <linux/bio.h>
#include <linux/blkdev.h>
#include <linux/highmem.h>
#include <linux/mempool.h>
#include <linux/slab.h>
#include "chunk.h"
#include "diff_area.h"
#include "submit.h"
#include "transfer.h"

/* Transfers and bios that can be had even when memory is short. */
#define TRANSFERS_MIN	64
#define BIOS_MIN	64

struct transfer {
	struct chunk *chunk;
	u64 units;
	bool store;
	int error;
	atomic_t pending;
};

static struct kmem_cache *transfer_cache;
static mempool_t transfers;
static struct bio_set transfer_bios;

int transfer_engine_start(void)
{
	int ret;

	transfer_cache = KMEM_CACHE(transfer, 0);
	if (!transfer_cache)
		return -ENOMEM;
	ret = mempool_init_slab_pool(&transfers, TRANSFERS_MIN, transfer_cache);
	if (ret)
		goto no_transfers;
	ret = bioset_init(&transfer_bios, BIOS_MIN, 0, BIOSET_NEED_BVECS);
	if (!ret)
		return 0;
	mempool_exit(&transfers);
no_transfers:
	kmem_cache_destroy(transfer_cache);
	return ret;
}

void transfer_engine_stop(void)
{
	bioset_exit(&transfer_bios);
	mempool_exit(&transfers);
	kmem_cache_destroy(transfer_cache);
}

static void transfer_put(struct transfer *transfer)
{
	struct chunk *chunk = transfer->chunk;
	struct diff_area *area = chunk->area;
	struct diff_storage *storage = area->storage;
	u64 units = transfer->units;
	bool store = transfer->store;
	int error;

	if (!atomic_dec_and_test(&transfer->pending))
		return;
	error = transfer->error;
	mempool_free(transfer, &transfers);
	if (store) {
		chunk_stored(chunk, units, error);
		diff_storage_stored(storage);
	} else {
		chunk_loaded(chunk, units, error);
		diff_area_put(area);
	}
}

static void transfer_end(struct bio *bio)
{
	struct transfer *transfer = bio->bi_private;

	/* Whatever ails the device: to a client it is EIO. */
	if (bio->bi_status)
		WRITE_ONCE(transfer->error, -EIO);
	bio_put(bio);
	transfer_put(transfer);
}

/* Bios for one run of pages. The last page of the device may be cut. */
static void transfer_run(struct transfer *transfer, struct block_device *bdev,
			 u64 sector, blk_opf_t opf, unsigned int from,
			 unsigned int to)
{
	struct chunk *chunk = transfer->chunk;
	u64 bytes = diff_area_chunk_sectors(chunk->area, chunk->number) <<
		    SECTOR_SHIFT;
	bool whole = bdev != chunk->area->bdev || transfer->store;

	while (from < to) {
		unsigned int count = min_t(unsigned int, to - from,
					   BIO_MAX_VECS);
		struct bio *bio = bio_alloc_bioset(bdev, count, opf, GFP_NOIO,
						   &transfer_bios);

		bio->bi_iter.bi_sector = sector + ((u64)from <<
						   (PAGE_SHIFT - SECTOR_SHIFT));
		bio->bi_private = transfer;
		bio->bi_end_io = transfer_end;
		for (; count; count--, from++) {
			u64 at = (u64)from << PAGE_SHIFT;
			unsigned int len = PAGE_SIZE;

			if (!whole)
				len = min_t(u64, len, bytes - at);
			if (len < PAGE_SIZE)
				zero_user_segment(chunk->pages[from], len,
						  PAGE_SIZE);
			__bio_add_page(bio, chunk->pages[from], len, 0);
		}
		atomic_inc(&transfer->pending);
		submit_unhooked(bio);
	}
}

static void transfer_submit(struct transfer *transfer,
			    struct block_device *bdev, u64 sector,
			    blk_opf_t opf)
{
	struct chunk *chunk = transfer->chunk;
	u64 left = transfer->units;

	while (left) {
		unsigned int first = __ffs64(left);
		unsigned int count = chunk_run(left, first);

		transfer_run(transfer, bdev, sector, opf,
			     chunk_unit_page(chunk, first),
			     chunk_unit_page(chunk, first + count));
		left &= ~GENMASK_ULL(first + count - 1, first);
	}
	transfer_put(transfer);
}

static struct transfer *transfer_make(struct chunk *chunk, u64 units,
				      bool store)
{
	struct transfer *transfer = mempool_alloc(&transfers, GFP_NOIO);

	transfer->chunk = chunk;
	transfer->units = units;
	transfer->store = store;
	transfer->error = 0;
	atomic_set(&transfer->pending, 1);
	return transfer;
}

/* From the device, or the storage, where the chunk begins at that sector. */
void transfer_load(struct chunk *chunk, u64 units, struct block_device *bdev,
		   u64 sector)
{
	transfer_submit(transfer_make(chunk, units, false), bdev, sector,
			REQ_OP_READ | REQ_SYNC);
}

void transfer_store(struct chunk *chunk, u64 units)
{
	transfer_submit(transfer_make(chunk, units, true), chunk->place.bdev,
			chunk->place.sector, REQ_OP_WRITE | REQ_SYNC);
}

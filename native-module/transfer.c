// SPDX-License-Identifier: GPL-2.0
#include <linux/bio.h>
#include <linux/blk-cgroup.h>
#include <linux/blkdev.h>
#include <linux/highmem.h>
#include <linux/mempool.h>
#include <linux/slab.h>
#include "transfer.h"
#include "units.h"

/* Transfers and bios of a way that can be had even when memory is short. */
#define TRANSFERS_MIN	64
#define BIOS_MIN	64

struct transfer {
	struct transfer_way *way;
	void (*end)(void *owner, u64 units, int error);
	void *owner;
	u64 units;
	int error;
	atomic_t pending;
};

/*
 * A store may end only after a write below it was let go on, which waits for a
 * read: so reads have what they need for themselves.
 */
struct transfer_way {
	mempool_t transfers;
	struct bio_set bios;
};

static struct kmem_cache *transfer_cache;
static struct transfer_way reads, writes;

static int way_start(struct transfer_way *way)
{
	int ret = mempool_init_slab_pool(&way->transfers, TRANSFERS_MIN,
					 transfer_cache);

	if (ret)
		return ret;
	ret = bioset_init(&way->bios, BIOS_MIN, 0, BIOSET_NEED_BVECS);
	if (ret)
		mempool_exit(&way->transfers);
	return ret;
}

static void way_stop(struct transfer_way *way)
{
	bioset_exit(&way->bios);
	mempool_exit(&way->transfers);
}

int transfer_engine_start(void)
{
	int ret;

	transfer_cache = KMEM_CACHE(transfer, 0);
	if (!transfer_cache)
		return -ENOMEM;
	ret = way_start(&reads);
	if (ret)
		goto no_reads;
	ret = way_start(&writes);
	if (!ret)
		return 0;
	way_stop(&reads);
no_reads:
	kmem_cache_destroy(transfer_cache);
	return ret;
}

void transfer_engine_stop(void)
{
	way_stop(&writes);
	way_stop(&reads);
	kmem_cache_destroy(transfer_cache);
}

static void transfer_put(struct transfer *transfer)
{
	void (*end)(void *owner, u64 units, int error) = transfer->end;
	void *owner = transfer->owner;
	u64 units = transfer->units;
	int error;

	if (!atomic_dec_and_test(&transfer->pending))
		return;
	error = transfer->error;
	mempool_free(transfer, &transfer->way->transfers);
	end(owner, units, error);
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

/*
 * Bios for one run of pages. The last page of a read may be cut. They are of
 * the root cgroup, whoever is current: many may wait for a copy, and nobody's
 * limits may hold back the writes of others.
 */
static void transfer_run(struct transfer *transfer,
			 const struct transfer_job *job, blk_opf_t opf,
			 unsigned int from, unsigned int to)
{
	while (from < to) {
		unsigned int count = min_t(unsigned int, to - from,
					   BIO_MAX_VECS);
		struct bio *bio = bio_alloc_bioset(job->bdev, count, opf,
						   GFP_NOIO,
						   &transfer->way->bios);

		bio_associate_blkg_from_css(bio, blkcg_root_css);
		bio->bi_iter.bi_sector =
			job->sector +
			((u64)from << (PAGE_SHIFT - SECTOR_SHIFT));
		bio->bi_private = transfer;
		bio->bi_end_io = transfer_end;
		for (; count; count--, from++) {
			u64 at = (u64)from << PAGE_SHIFT;
			unsigned int len = PAGE_SIZE;

			if (!op_is_write(opf))
				len = min_t(u64, len, job->bytes - at);
			if (len < PAGE_SIZE)
				zero_user_segment(job->pages[from], len,
						  PAGE_SIZE);
			__bio_add_page(bio, job->pages[from], len, 0);
		}
		atomic_inc(&transfer->pending);
		submit_bio_noacct(bio);
	}
}

static void transfer_submit(const struct transfer_job *job,
			    struct transfer_way *way, blk_opf_t opf)
{
	struct transfer *transfer = mempool_alloc(&way->transfers, GFP_NOIO);
	u64 left = job->units;

	transfer->way = way;
	transfer->end = job->end;
	transfer->owner = job->owner;
	transfer->units = job->units;
	transfer->error = 0;
	atomic_set(&transfer->pending, 1);
	while (left) {
		unsigned int first = __ffs64(left);
		unsigned int count = units_run(left, first);

		transfer_run(transfer, job, opf,
			     units_page(first, job->shift, job->count),
			     units_page(first + count, job->shift,
					job->count));
		left &= ~GENMASK_ULL(first + count - 1, first);
	}
	transfer_put(transfer);
}

void transfer_read(const struct transfer_job *job)
{
	transfer_submit(job, &reads, REQ_OP_READ | REQ_SYNC);
}

void transfer_write(const struct transfer_job *job)
{
	transfer_submit(job, &writes, REQ_OP_WRITE | REQ_SYNC);
}

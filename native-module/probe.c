// SPDX-License-Identifier: GPL-2.0
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/blkdev.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/module.h>
#include "compat/compat.h"
#include "probe.h"

static unsigned int seen;
static unsigned int arrived;
static unsigned int ended;

void probe_end(struct bio *bio)
{
	ended++;
}

void probe_seen(void)
{
	seen++;
}

static void probe_arrives(struct bio *bio)
{
	arrived++;
	bio_endio(bio);
}

static const struct block_device_operations probe_fops = {
	.owner = THIS_MODULE,
	.submit_bio = probe_arrives,
};

static int __init probe_by(const char *way, void (*submit)(struct bio *bio),
			   struct gendisk *disk, struct page *page)
{
	struct bio_vec vec;
	struct bio bio;

	seen = 0;
	arrived = 0;
	ended = 0;
	bio_init(&bio, disk->part0, &vec, 1, REQ_OP_WRITE);
	__bio_add_page(&bio, page, PAGE_SIZE, 0);
	bio.bi_end_io = probe_end;
	submit(&bio);
	bio_uninit(&bio);
	if (seen == 1 && arrived == 1 && ended == 1)
		return 0;
	pr_err("a write by %s() was seen %u times, arrived %u times, ended %u times; 1 of each is right: this kernel is built otherwise\n",
	       way, seen, arrived, ended);
	return -ENXIO;
}

static void __init submit_as_user(struct bio *bio)
{
	submit_bio(bio);
}

/* The disk is in no list and has no node; a write to it ends at once. */
int __init probe_run(void)
{
	struct page *page = alloc_page(GFP_KERNEL | __GFP_ZERO);
	struct gendisk *disk;
	int ret = -ENOMEM;

	if (!page)
		return ret;
	disk = compat_disk_alloc(NULL);
	if (!disk)
		goto no_disk;
	disk->fops = &probe_fops;
	snprintf(disk->disk_name, DISK_NAME_LEN, "blksnap-probe");
	set_capacity(disk, PAGE_SECTORS);
	ret = probe_by("submit_bio", submit_as_user, disk, page) ?:
	      probe_by("submit_bio_noacct", submit_bio_noacct, disk, page);
	put_disk(disk);
no_disk:
	__free_page(page);
	return ret;
}

// SPDX-License-Identifier: GPL-2.0
#include <linux/bio.h>
#include <linux/module.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include "compat/compat.h"
#include "diff_area.h"
#include "image.h"
#include "image_data.h"
#include "uapi/blksnap.h"

/* Requests, and reads for them, that can be had when memory is short. */
#define REQUESTS_MIN		64
#define BIOS_MIN		64
/* Requests of one image worked on at a time. */
#define REQUESTS_AT_A_TIME	32

struct request_work {
	struct work_struct work;
	struct image *image;
	struct bio *bio;
};

static struct kmem_cache *request_cache;

int image_engine_start(void)
{
	request_cache = kmem_cache_create("blksnap_request",
					  sizeof(struct request_work), 0, 0,
					  NULL);
	return request_cache ? 0 : -ENOMEM;
}

void image_engine_stop(void)
{
	kmem_cache_destroy(request_cache);
}

static void image_request(struct work_struct *work)
{
	struct request_work *request =
		container_of(work, struct request_work, work);
	struct image *image = request->image;
	struct bio *bio = request->bio;
	unsigned int noio = memalloc_noio_save();
	int ret;

	mempool_free(request, &image->requests);
	diff_area_check_medium(image->area);
	if (diff_area_error(image->area))
		ret = -EIO;
	else if (op_is_write(bio_op(bio)))
		ret = image_data_write(image->area, bio);
	else
		ret = image_data_read(image->area, &image->bios, bio);
	memalloc_noio_restore(noio);
	bio->bi_status = ret ? BLK_STS_IOERR : BLK_STS_OK;
	bio_endio(bio);
}

static void image_submit(struct bio *bio)
{
	struct image *image = bio->bi_bdev->bd_disk->private_data;
	struct request_work *request;

	if (bio_op(bio) != REQ_OP_READ && bio_op(bio) != REQ_OP_WRITE) {
		bio->bi_status = BLK_STS_NOTSUPP;
		bio_endio(bio);
		return;
	}
	if (!bio_sectors(bio)) {
		bio_endio(bio);
		return;
	}
	/* Those who hold requests need nothing of this bio_list. */
	request = mempool_alloc(&image->requests, GFP_NOIO);
	INIT_WORK(&request->work, image_request);
	request->image = image;
	request->bio = bio;
	queue_work(image->wq, &request->work);
}

static const struct block_device_operations image_fops = {
	.owner = THIS_MODULE,
	.submit_bio = image_submit,
};

const char *image_name(struct image *image)
{
	return image->disk->disk_name;
}

/* The disk, not yet to be seen. */
struct image *image_make(struct diff_area *area)
{
	struct image *image = kzalloc(sizeof(*image), GFP_KERNEL);
	struct block_device *bdev = area->set.bdev;
	int ret = -ENOMEM;

	if (!image)
		return ERR_PTR(ret);
	image->area = area;
	ret = mempool_init_slab_pool(&image->requests, REQUESTS_MIN,
				     request_cache);
	if (ret)
		goto no_requests;
	ret = bioset_init(&image->bios, BIOS_MIN, 0, 0);
	if (ret)
		goto no_bios;
	ret = -ENOMEM;
	image->wq = alloc_workqueue("blksnap-image-%u:%u",
				    WQ_MEM_RECLAIM | WQ_UNBOUND,
				    REQUESTS_AT_A_TIME, MAJOR(bdev->bd_dev),
				    MINOR(bdev->bd_dev));
	if (!image->wq)
		goto no_wq;
	image->disk = compat_disk_alloc(bdev);
	if (!image->disk)
		goto no_disk;
	image->disk->fops = &image_fops;
	image->disk->private_data = image;
	image->disk->flags |= GENHD_FL_NO_PART;
	snprintf(image->disk->disk_name, DISK_NAME_LEN,
		 BLKSNAP_IMAGE_NAME "%u:%u", MAJOR(bdev->bd_dev),
		 MINOR(bdev->bd_dev));
	set_capacity(image->disk, area->set.capacity);
	return image;

no_disk:
	destroy_workqueue(image->wq);
no_wq:
	bioset_exit(&image->bios);
no_bios:
	mempool_exit(&image->requests);
no_requests:
	kfree(image);
	return ERR_PTR(ret);
}

int image_add(struct image *image)
{
	int ret = add_disk(image->disk);

	image->added = !ret;
	return ret;
}

/* Whoever has the disk open gets errors from now on. */
void image_remove(struct image *image)
{
	if (image->added)
		del_gendisk(image->disk);
	/* No bio is in image_submit() now, nor can one come. */
	destroy_workqueue(image->wq);
	put_disk(image->disk);
	bioset_exit(&image->bios);
	mempool_exit(&image->requests);
	kfree(image);
}

/* SPDX-License-Identifier: GPL-2.0 */
#ifndef BLKSNAP_IMAGE_H
#define BLKSNAP_IMAGE_H

#include <linux/blkdev.h>
#include <linux/mempool.h>
#include <linux/workqueue.h>
#include "compat/compat.h"

struct diff_area;

/*
 * The disk that shows a device as it was at the take. Its requests are worked
 * on by a queue of its own, several at a time, each by one worker that waits
 * for what it reads.
 */
struct image {
	struct gendisk *disk;
	struct diff_area *area;
	struct workqueue_struct *wq;
	mempool_t requests;
	struct bio_set bios;
	bool added;

	/*
	 * The origin is open as long as the image is: drivers take a device that
	 * nobody has open for idle. By the disk's open_mutex.
	 */
	unsigned int openers;
	struct compat_bdev origin;
};

int image_engine_start(void);
void image_engine_stop(void);

struct image *image_make(struct diff_area *area);
int image_add(struct image *image);
const char *image_name(struct image *image);
void image_remove(struct image *image);

#endif /* BLKSNAP_IMAGE_H */

/* SPDX-License-Identifier: GPL-2.0 */
#ifndef BLKSNAP_IMAGE_DATA_H
#define BLKSNAP_IMAGE_DATA_H

struct bio;
struct bio_set;
struct diff_area;

/*
 * What an image shows: each unit from where it is, the live device, memory or
 * the storage. 0 or an errno; the bio is not ended. Process context, waits.
 */
int image_data_read(struct diff_area *area, struct bio_set *bios,
		    struct bio *bio);
int image_data_write(struct diff_area *area, struct bio *bio);

#endif /* BLKSNAP_IMAGE_DATA_H */

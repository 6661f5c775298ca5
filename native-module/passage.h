/* SPDX-License-Identifier: GPL-2.0 */
#ifndef BLKSNAP_PASSAGE_H
#define BLKSNAP_PASSAGE_H

#include <linux/bio.h>
#include <linux/mempool.h>
#include "diff_area.h"

struct filter;

/*
 * A write on its way past a filter. It takes the place of the bio's end_io
 * and private until the bio ends, and holds filter->inflight as long.
 *
 * A bio may have several, the inner ones reached through private: a filter on
 * the partition and one on the disk; or a driver that sends the same bio on
 * to another device. That a bio has passed a filter is told by finding the
 * filter there: so the rest of a split bio passes it only once.
 */
struct passage {
	struct filter *filter;
	struct bio *bio;
	bio_end_io_t *end_io;
	void *private;
	struct diff_area *area;		/* referenced; NULL: not waiting */
	unsigned int depth;		/* of ends within ends: passage.c */
	struct copy_request copy;
};

int passage_start(void);
void passage_stop(void);
int passage_pool_init(mempool_t *pool);

void passage_begin(struct passage *passage, struct filter *filter,
		   struct bio *bio);
void passage_end_on(struct bio *bio);
bool passage_found(struct bio *bio, struct filter *filter);
bool passage_is_of_rest(struct bio *bio);

#endif /* BLKSNAP_PASSAGE_H */

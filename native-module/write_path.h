/* SPDX-License-Identifier: GPL-2.0 */
#ifndef BLKSNAP_WRITE_PATH_H
#define BLKSNAP_WRITE_PATH_H

#include <linux/types.h>

struct bio;
struct filter;

bool write_path_submit(struct bio *bio);

/* For filter_attach(). */
int write_path_set_up(struct filter *filter);

#endif /* BLKSNAP_WRITE_PATH_H */

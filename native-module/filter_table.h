/* SPDX-License-Identifier: GPL-2.0 */
#ifndef BLKSNAP_FILTER_TABLE_H
#define BLKSNAP_FILTER_TABLE_H

#include <linux/types.h>

struct block_device;
struct blksnap_snapshotinfo;
struct device;
struct filter;
struct snapshot;

/*
 * Which device has which filter, from its attach to its detach or to the end
 * of the device; and which filter belongs to which snapshot.
 */

/* Under rcu_read_lock(). */
struct filter *filter_find(struct block_device *bdev);
bool filter_watches(struct block_device *bdev);

int filter_attach(struct block_device *bdev,
		  int (*set_up)(struct filter *filter));
int filter_detach(struct block_device *bdev);
struct filter *filter_get(struct block_device *bdev);
void filter_device_gone(struct device *dev);

int filter_join(struct filter *filter, struct snapshot *snapshot);
void filter_leave(struct filter *filter);
void filter_set_image(struct filter *filter, const char *name);
void filter_snapshot_info(struct filter *filter,
			  struct blksnap_snapshotinfo *info);

#endif /* BLKSNAP_FILTER_TABLE_H */

/* SPDX-License-Identifier: GPL-2.0 */
#ifndef BLKSNAP_SNAPSHOT_LIST_H
#define BLKSNAP_SNAPSHOT_LIST_H

#include <linux/types.h>
#include <linux/uuid.h>

struct blksnap_sectors;
struct filter;
struct snapshot;

/* All snapshots, and what is asked of one by its id. */
int snapshot_list_create(uuid_t *id);
int snapshot_list_destroy(const uuid_t *id);
int snapshot_list_append_storage(const uuid_t *id, const char *path,
				 const struct blksnap_sectors __user *ranges,
				 u32 count);
int snapshot_list_take(const uuid_t *id);
int snapshot_list_add(const uuid_t *id, struct filter *filter);
u32 snapshot_list_collect(uuid_t *ids, u32 count);
void snapshot_list_destroy_all(void);

/* The snapshot is held until snapshot_put(). */
struct snapshot *snapshot_list_get(const uuid_t *id);

#endif /* BLKSNAP_SNAPSHOT_LIST_H */

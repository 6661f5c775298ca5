/* SPDX-License-Identifier: GPL-2.0 */
#ifndef BLKSNAP_SNAPSHOT_H
#define BLKSNAP_SNAPSHOT_H

#include <linux/types.h>
#include <linux/uuid.h>
#include "event.h"

struct filter;
struct snapshot;
struct blksnap_sectors;

int snapshot_create(uuid_t *id);
int snapshot_destroy(const uuid_t *id);
int snapshot_append_storage(const uuid_t *id, const char *path,
			    const struct blksnap_sectors __user *ranges,
			    u32 count);
int snapshot_take(const uuid_t *id);
int snapshot_add(const uuid_t *id, struct filter *filter);
u32 snapshot_collect(uuid_t *ids, u32 count);
void snapshot_destroy_all(void);

/* The snapshot is held until snapshot_put(). */
struct snapshot *snapshot_get(const uuid_t *id);
struct event_queue *snapshot_events(struct snapshot *snapshot);
void snapshot_put(struct snapshot *snapshot);

#endif /* BLKSNAP_SNAPSHOT_H */

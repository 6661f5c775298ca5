/* SPDX-License-Identifier: GPL-2.0 */
#ifndef BLKSNAP_SNAPSHOT_H
#define BLKSNAP_SNAPSHOT_H

#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/types.h>
#include <linux/uuid.h>
#include "diff_storage.h"
#include "event.h"

struct filter;

/*
 * A snapshot: created, then devices and storage are added, then taken, then
 * destroyed. In the list until its storage is let go of; held by the list and by
 * every call that works on it.
 */
struct snapshot {
	struct list_head link;		/* snapshots_lock */
	struct kref ref;
	uuid_t id;
	struct mutex lock;	/* what follows; outside of filters_mutex */
	bool prepared;		/* a take has begun; disarm() undoes it */
	bool taken;
	bool destroyed;
	struct list_head members;	/* of struct member */
	unsigned int member_count;
	struct diff_storage storage;
	struct event_queue events;	/* has a lock of its own */
};

struct snapshot *snapshot_make(void);
void snapshot_end(struct snapshot *snapshot);
void snapshot_end_locked(struct snapshot *snapshot);
void snapshot_put(struct snapshot *snapshot);

int snapshot_add_locked(struct snapshot *snapshot, struct filter *filter);
int snapshot_take_locked(struct snapshot *snapshot);

#endif /* BLKSNAP_SNAPSHOT_H */

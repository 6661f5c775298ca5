// SPDX-License-Identifier: GPL-2.0
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kref.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include "diff_area.h"
#include "diff_storage.h"
#include "filter.h"
#include "filter_table.h"
#include "image.h"
#include "snapshot.h"
#include "take.h"

/* Snapshots at a time, and devices of one. */
#define SNAPSHOTS_MAX	4096
#define MEMBERS_MAX	1024

/*
 * A snapshot: created, then devices and storage are added, then taken, then
 * destroyed. In the list until it is destroyed; held by the list and by every
 * call that works on it.
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

/* The list. Nothing is waited for under it. */
static DEFINE_MUTEX(snapshots_lock);
static LIST_HEAD(snapshots);
static unsigned int snapshot_count;

static void snapshot_free(struct kref *ref)
{
	struct snapshot *snapshot = container_of(ref, struct snapshot, ref);

	event_queue_drop(&snapshot->events);
	kfree(snapshot);
	/* The caller is in a call of the control device, which is held open. */
	module_put(THIS_MODULE);
}

void snapshot_put(struct snapshot *snapshot)
{
	kref_put(&snapshot->ref, snapshot_free);
}

static struct snapshot *find_locked(const uuid_t *id)
{
	struct snapshot *snapshot;

	lockdep_assert_held(&snapshots_lock);
	list_for_each_entry(snapshot, &snapshots, link)
		if (uuid_equal(&snapshot->id, id))
			return snapshot;
	return NULL;
}

struct snapshot *snapshot_get(const uuid_t *id)
{
	struct snapshot *snapshot;

	mutex_lock(&snapshots_lock);
	snapshot = find_locked(id);
	if (snapshot)
		kref_get(&snapshot->ref);
	mutex_unlock(&snapshots_lock);
	return snapshot;
}

/* Locked, and not destroyed; or NULL. */
static struct snapshot *snapshot_enter(const uuid_t *id)
{
	struct snapshot *snapshot = snapshot_get(id);

	if (!snapshot)
		return NULL;
	mutex_lock(&snapshot->lock);
	if (!snapshot->destroyed)
		return snapshot;
	mutex_unlock(&snapshot->lock);
	snapshot_put(snapshot);
	return NULL;
}

static void snapshot_leave(struct snapshot *snapshot)
{
	mutex_unlock(&snapshot->lock);
	snapshot_put(snapshot);
}

struct event_queue *snapshot_events(struct snapshot *snapshot)
{
	return &snapshot->events;
}

int snapshot_create(uuid_t *id)
{
	struct snapshot *snapshot;
	int ret;

	snapshot = kzalloc(sizeof(*snapshot), GFP_KERNEL);
	if (!snapshot)
		return -ENOMEM;
	if (!try_module_get(THIS_MODULE)) {
		kfree(snapshot);
		return -ENODEV;
	}
	kref_init(&snapshot->ref);
	uuid_gen(&snapshot->id);
	mutex_init(&snapshot->lock);
	INIT_LIST_HEAD(&snapshot->members);
	event_queue_init(&snapshot->events);
	ret = diff_storage_init(&snapshot->storage, &snapshot->events);
	if (ret)
		goto put;

	*id = snapshot->id;
	mutex_lock(&snapshots_lock);
	if (snapshot_count < SNAPSHOTS_MAX) {
		snapshot_count++;
		list_add_tail(&snapshot->link, &snapshots);
	} else {
		ret = -ENOSPC;
	}
	mutex_unlock(&snapshots_lock);
	if (!ret)
		return 0;
	diff_storage_destroy(&snapshot->storage);
put:
	snapshot_put(snapshot);
	return ret;
}

/* Images, copy-on-write and the store worker go; also after a failed take. */
static void disarm(struct snapshot *snapshot)
{
	struct member *member;

	if (!snapshot->prepared)
		return;
	snapshot->prepared = false;
	list_for_each_entry(member, &snapshot->members, link)
		if (member->area)
			diff_area_give_up(member->area);
	list_for_each_entry(member, &snapshot->members, link) {
		if (member->image)
			image_remove(member->image);
		member->image = NULL;
		filter_disarm(member->filter);
	}
	synchronize_rcu();
	list_for_each_entry(member, &snapshot->members, link)
		if (member->area)
			chunk_set_wait_idle(&member->area->set);
	diff_storage_stop(&snapshot->storage);
	list_for_each_entry(member, &snapshot->members, link) {
		if (!member->area)
			continue;
		list_del_init(&member->area->set.user.link);
		diff_area_free(member->area);
		member->area = NULL;
	}
}

/* Out of the list already: the list's reference is the caller's. */
static void snapshot_end(struct snapshot *snapshot)
{
	struct member *member, *next;

	event_queue_close(&snapshot->events);
	mutex_lock(&snapshot->lock);
	snapshot->destroyed = true;
	disarm(snapshot);
	list_for_each_entry_safe(member, next, &snapshot->members, link) {
		list_del(&member->link);
		filter_leave(member->filter);
		kfree(member);
	}
	diff_storage_destroy(&snapshot->storage);
	mutex_unlock(&snapshot->lock);
	snapshot_put(snapshot);
}

static void unlist_locked(struct snapshot *snapshot)
{
	lockdep_assert_held(&snapshots_lock);
	list_del_init(&snapshot->link);
	snapshot_count--;
}

int snapshot_destroy(const uuid_t *id)
{
	struct snapshot *snapshot;

	mutex_lock(&snapshots_lock);
	snapshot = find_locked(id);
	if (snapshot)
		unlist_locked(snapshot);
	mutex_unlock(&snapshots_lock);
	if (!snapshot)
		return -ENODEV;
	snapshot_end(snapshot);
	return 0;
}

void snapshot_destroy_all(void)
{
	struct snapshot *snapshot;

	for (;;) {
		mutex_lock(&snapshots_lock);
		snapshot = list_first_entry_or_null(&snapshots,
						    struct snapshot, link);
		if (snapshot)
			unlist_locked(snapshot);
		mutex_unlock(&snapshots_lock);
		if (!snapshot)
			return;
		snapshot_end(snapshot);
	}
}

int snapshot_append_storage(const uuid_t *id, const char *path,
			    const struct blksnap_sectors __user *ranges,
			    u32 count)
{
	struct snapshot *snapshot = snapshot_enter(id);
	int ret;

	if (!snapshot)
		return -ESRCH;
	ret = diff_storage_append(&snapshot->storage, path, ranges, count);
	snapshot_leave(snapshot);
	return ret;
}

int snapshot_add(const uuid_t *id, struct filter *filter)
{
	struct snapshot *snapshot = snapshot_enter(id);
	struct member *member;
	int ret;

	if (!snapshot)
		return -ESRCH;
	member = kzalloc(sizeof(*member), GFP_KERNEL);
	if (!member) {
		ret = -ENOMEM;
		goto leave;
	}
	ret = filter_join(filter, snapshot);
	if (!ret && (snapshot->taken ||
		     snapshot->member_count == MEMBERS_MAX)) {
		kref_get(&filter->ref);
		filter_leave(filter);
		ret = -EBUSY;
	}
	if (ret) {
		kfree(member);
		goto leave;
	}
	kref_get(&filter->ref);
	member->filter = filter;
	list_add_tail(&member->link, &snapshot->members);
	snapshot->member_count++;
leave:
	snapshot_leave(snapshot);
	return ret;
}

/* Everything that the moment itself must not have to wait for. */
static int prepare(struct snapshot *snapshot)
{
	unsigned long pages = 1;
	struct member *member;

	snapshot->prepared = true;
	list_for_each_entry(member, &snapshot->members, link) {
		struct filter *filter = member->filter;
		struct diff_area *area;
		struct image *image;

		if (filter->gone)
			return -ENODEV;
		area = diff_area_make(filter->bdev, &filter->cbt,
				      &snapshot->storage, &snapshot->events);
		if (IS_ERR(area))
			return PTR_ERR(area);
		member->area = area;
		list_add_tail(&area->set.user.link, &snapshot->storage.users);
		pages = max_t(unsigned long, pages,
			      1UL << (area->set.shift + SECTOR_SHIFT -
				      PAGE_SHIFT));
		image = image_make(area);
		if (IS_ERR(image))
			return PTR_ERR(image);
		member->image = image;
	}
	diff_buffer_pool_size(&snapshot->storage.pool, pages);
	return diff_storage_start(&snapshot->storage);
}

static int show_images(struct snapshot *snapshot)
{
	struct member *member;
	int ret;

	list_for_each_entry(member, &snapshot->members, link) {
		ret = image_add(member->image);
		if (ret)
			return ret;
		filter_set_image(member->filter, image_name(member->image));
	}
	return 0;
}

int snapshot_take(const uuid_t *id)
{
	struct snapshot *snapshot = snapshot_enter(id);
	struct member *member;
	int ret;

	if (!snapshot)
		return -ESRCH;
	if (snapshot->taken)
		ret = -EALREADY;
	else if (list_empty(&snapshot->members))
		ret = -ENODEV;
	else if (storage_space_is_empty(&snapshot->storage.space))
		ret = -EFAULT;
	else
		ret = prepare(snapshot);
	if (!ret)
		ret = take_moment(&snapshot->members);
	if (!ret)
		ret = show_images(snapshot);
	if (!ret) {
		snapshot->taken = true;
	} else if (!snapshot->taken && snapshot->prepared) {
		list_for_each_entry(member, &snapshot->members, link)
			filter_set_image(member->filter, "");
		disarm(snapshot);
	}
	snapshot_leave(snapshot);
	return ret;
}

/* The ids, up to count; answers how many there are. */
u32 snapshot_collect(uuid_t *ids, u32 count)
{
	struct snapshot *snapshot;
	u32 found = 0;

	mutex_lock(&snapshots_lock);
	list_for_each_entry(snapshot, &snapshots, link) {
		if (found < count)
			ids[found] = snapshot->id;
		found++;
	}
	mutex_unlock(&snapshots_lock);
	return found;
}

// SPDX-License-Identifier: GPL-2.0
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/module.h>
#include <linux/slab.h>
#include "diff_area.h"
#include "filter.h"
#include "filter_table.h"
#include "image.h"
#include "member.h"
#include "snapshot.h"
#include "take.h"

/* Devices of a snapshot. */
#define MEMBERS_MAX	1024

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

struct snapshot *snapshot_make(void)
{
	struct snapshot *snapshot;
	int ret;

	snapshot = kzalloc(sizeof(*snapshot), GFP_KERNEL);
	if (!snapshot)
		return ERR_PTR(-ENOMEM);
	if (!try_module_get(THIS_MODULE)) {
		kfree(snapshot);
		return ERR_PTR(-ENODEV);
	}
	kref_init(&snapshot->ref);
	uuid_gen(&snapshot->id);
	mutex_init(&snapshot->lock);
	INIT_LIST_HEAD(&snapshot->members);
	event_queue_init(&snapshot->events);
	ret = diff_storage_init(&snapshot->storage, &snapshot->events);
	if (!ret)
		return snapshot;
	snapshot_put(snapshot);
	return ERR_PTR(ret);
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
	}
	/* Idle, before a device that goes can't find the area any more. */
	list_for_each_entry(member, &snapshot->members, link)
		if (member->area)
			chunk_set_wait_idle(&member->area->set);
	list_for_each_entry(member, &snapshot->members, link)
		filter_disarm(member->filter);
	synchronize_rcu();
	diff_storage_stop(&snapshot->storage);
	list_for_each_entry(member, &snapshot->members, link) {
		if (!member->area)
			continue;
		list_del_init(&member->area->set.user.link);
		diff_area_free(member->area);
		member->area = NULL;
	}
}

/* ESRCH to a waiter means that nothing is stored any more: last of all. */
void snapshot_end_locked(struct snapshot *snapshot)
{
	struct member *member, *next;

	lockdep_assert_held(&snapshot->lock);
	disarm(snapshot);
	list_for_each_entry_safe(member, next, &snapshot->members, link) {
		list_del(&member->link);
		filter_leave(member->filter);
		kfree(member);
	}
	diff_storage_destroy(&snapshot->storage);
	snapshot->destroyed = true;
	event_queue_close(&snapshot->events);
}

/* In no list: the list's reference is the caller's. */
void snapshot_end(struct snapshot *snapshot)
{
	mutex_lock(&snapshot->lock);
	snapshot_end_locked(snapshot);
	mutex_unlock(&snapshot->lock);
	snapshot_put(snapshot);
}

int snapshot_add_locked(struct snapshot *snapshot, struct filter *filter)
{
	struct member *member;
	int ret;

	lockdep_assert_held(&snapshot->lock);
	member = kzalloc(sizeof(*member), GFP_KERNEL);
	if (!member)
		return -ENOMEM;
	ret = filter_join(filter, snapshot);
	if (!ret && (snapshot->taken ||
		     snapshot->member_count == MEMBERS_MAX)) {
		kref_get(&filter->ref);
		filter_leave(filter);
		ret = -EBUSY;
	}
	if (ret) {
		kfree(member);
		return ret;
	}
	kref_get(&filter->ref);
	member->filter = filter;
	list_add_tail(&member->link, &snapshot->members);
	snapshot->member_count++;
	return 0;
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

int snapshot_take_locked(struct snapshot *snapshot)
{
	struct member *member;
	int ret;

	lockdep_assert_held(&snapshot->lock);
	if (snapshot->taken)
		ret = -EALREADY;
	else if (list_empty(&snapshot->members))
		ret = -ENODEV;
	else if (storage_space_is_empty(&snapshot->storage.space))
		ret = -EFAULT;
	else
		ret = members_open(&snapshot->members);
	if (!ret)
		ret = prepare(snapshot);
	if (!ret)
		ret = take_moment(&snapshot->members);
	if (!ret)
		ret = show_images(snapshot);
	members_close(&snapshot->members);
	if (!ret) {
		snapshot->taken = true;
	} else if (!snapshot->taken && snapshot->prepared) {
		list_for_each_entry(member, &snapshot->members, link)
			filter_set_image(member->filter, "");
		disarm(snapshot);
	}
	return ret;
}

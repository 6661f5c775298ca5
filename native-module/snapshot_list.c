// SPDX-License-Identifier: GPL-2.0
#include <linux/err.h>
#include <linux/mutex.h>
#include "snapshot.h"
#include "snapshot_list.h"

/* Snapshots at a time. */
#define SNAPSHOTS_MAX	4096

/* The list. Nothing is waited for under it. */
static DEFINE_MUTEX(snapshots_lock);
static LIST_HEAD(snapshots);
static unsigned int snapshot_count;

static struct snapshot *find_locked(const uuid_t *id)
{
	struct snapshot *snapshot;

	lockdep_assert_held(&snapshots_lock);
	list_for_each_entry(snapshot, &snapshots, link)
		if (uuid_equal(&snapshot->id, id))
			return snapshot;
	return NULL;
}

struct snapshot *snapshot_list_get(const uuid_t *id)
{
	struct snapshot *snapshot;

	mutex_lock(&snapshots_lock);
	snapshot = find_locked(id);
	if (snapshot)
		kref_get(&snapshot->ref);
	mutex_unlock(&snapshots_lock);
	return snapshot;
}

/*
 * Locked, and not destroyed; or ESRCH. A take has the lock for as long as its
 * caller waits for it. EINTR: this caller was killed while it waited for that.
 */
static struct snapshot *snapshot_enter(const uuid_t *id)
{
	struct snapshot *snapshot = snapshot_list_get(id);
	int ret = -ESRCH;

	if (!snapshot)
		return ERR_PTR(ret);
	if (mutex_lock_killable(&snapshot->lock)) {
		ret = -EINTR;
		goto put;
	}
	if (!snapshot->destroyed)
		return snapshot;
	mutex_unlock(&snapshot->lock);
put:
	snapshot_put(snapshot);
	return ERR_PTR(ret);
}

static void snapshot_leave(struct snapshot *snapshot)
{
	mutex_unlock(&snapshot->lock);
	snapshot_put(snapshot);
}

int snapshot_list_create(uuid_t *id)
{
	struct snapshot *snapshot = snapshot_make();
	int ret = 0;

	if (IS_ERR(snapshot))
		return PTR_ERR(snapshot);
	*id = snapshot->id;
	mutex_lock(&snapshots_lock);
	if (snapshot_count < SNAPSHOTS_MAX) {
		snapshot_count++;
		list_add_tail(&snapshot->link, &snapshots);
	} else {
		ret = -ENOSPC;
	}
	mutex_unlock(&snapshots_lock);
	if (ret)
		snapshot_end(snapshot);
	return ret;
}

static void unlist_locked(struct snapshot *snapshot)
{
	lockdep_assert_held(&snapshots_lock);
	list_del_init(&snapshot->link);
	snapshot_count--;
}

int snapshot_list_destroy(const uuid_t *id)
{
	struct snapshot *snapshot = snapshot_enter(id);

	if (IS_ERR(snapshot))
		return PTR_ERR(snapshot) == -ESRCH ? -ENODEV :
						     PTR_ERR(snapshot);
	snapshot_end_locked(snapshot);
	/*
	 * Only now: who is told that there is no such snapshot takes its storage
	 * back. A second destroy waits for the lock, and finds it destroyed.
	 */
	mutex_lock(&snapshots_lock);
	unlist_locked(snapshot);
	mutex_unlock(&snapshots_lock);
	/* The list's reference, and ours. */
	snapshot_put(snapshot);
	snapshot_leave(snapshot);
	return 0;
}

void snapshot_list_destroy_all(void)
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

int snapshot_list_append_storage(const uuid_t *id, const char *path,
				 const struct blksnap_sectors __user *ranges,
				 u32 count)
{
	struct snapshot *snapshot = snapshot_enter(id);
	int ret;

	if (IS_ERR(snapshot))
		return PTR_ERR(snapshot);
	ret = diff_storage_append(&snapshot->storage, path, ranges, count);
	snapshot_leave(snapshot);
	return ret;
}

int snapshot_list_add(const uuid_t *id, struct filter *filter)
{
	struct snapshot *snapshot = snapshot_enter(id);
	int ret;

	if (IS_ERR(snapshot))
		return PTR_ERR(snapshot);
	ret = snapshot_add_locked(snapshot, filter);
	snapshot_leave(snapshot);
	return ret;
}

int snapshot_list_take(const uuid_t *id)
{
	struct snapshot *snapshot = snapshot_enter(id);
	int ret;

	if (IS_ERR(snapshot))
		return PTR_ERR(snapshot);
	ret = snapshot_take_locked(snapshot);
	snapshot_leave(snapshot);
	return ret;
}

/* The ids, up to count; answers how many there are. */
u32 snapshot_list_collect(uuid_t *ids, u32 count)
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

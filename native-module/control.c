// SPDX-License-Identifier: GPL-2.0
/*
 * The control device. A call is told by its number alone. A fault is EFAULT,
 * and then nothing has changed. Each call needs CAP_SYS_ADMIN of its own: that
 * the device was opened says nothing of who has the file now.
 */
#include <linux/capability.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/limits.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/nospec.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include "control.h"
#include "event.h"
#include "snapshot.h"
#include "snapshot_list.h"
#include "uapi/blksnap.h"

static int id_from_user(uuid_t *id, const struct blksnap_uuid __user *from)
{
	struct blksnap_uuid raw;

	if (copy_from_user(&raw, from, sizeof(raw)))
		return -EFAULT;
	import_uuid(id, raw.b);
	return 0;
}

static int id_to_user(struct blksnap_uuid __user *to, const uuid_t *id)
{
	struct blksnap_uuid raw;

	export_uuid(raw.b, id);
	return copy_to_user(to, &raw, sizeof(raw)) ? -EFAULT : 0;
}

static int call_version(void __user *arg)
{
	static const struct blksnap_version version = {
		.major = BLKSNAP_VERSION_MAJOR,
		.minor = BLKSNAP_VERSION_MINOR,
		.revision = BLKSNAP_VERSION_REVISION,
		.build = BLKSNAP_VERSION_BUILD,
	};

	return copy_to_user(arg, &version, sizeof(version)) ? -EFAULT : 0;
}

static int call_create(void __user *arg)
{
	uuid_t id;
	int ret;

	/* Shown to be writable before there is a snapshot of that id. */
	if (clear_user(arg, sizeof(struct blksnap_uuid)))
		return -EFAULT;
	ret = snapshot_list_create(&id);
	if (ret)
		return ret;
	ret = id_to_user(arg, &id);
	if (ret)
		snapshot_list_destroy(&id);
	return ret;
}

static int call_destroy(void __user *arg)
{
	uuid_t id;
	int ret = id_from_user(&id, arg);

	return ret ? ret : snapshot_list_destroy(&id);
}

static char *path_from_user(const struct blksnap_append_storage *given)
{
	if (!given->bdev_path || !given->ranges)
		return ERR_PTR(-EFAULT);
	if (!given->bdev_path_size || given->bdev_path_size > PATH_MAX)
		return ERR_PTR(-EINVAL);
	return memdup_user_nul(u64_to_user_ptr(given->bdev_path),
			       given->bdev_path_size);
}

static int call_append_storage(void __user *arg)
{
	struct blksnap_append_storage given;
	struct snapshot *snapshot;
	char *path;
	uuid_t id;
	int ret;

	if (copy_from_user(&given, arg, sizeof(given)))
		return -EFAULT;
	import_uuid(&id, given.id.b);
	snapshot = snapshot_list_get(&id);
	if (!snapshot)
		return -ESRCH;
	snapshot_put(snapshot);
	path = path_from_user(&given);
	if (IS_ERR(path))
		return PTR_ERR(path);
	ret = snapshot_list_append_storage(&id, path,
					   u64_to_user_ptr(given.ranges),
					   given.count);
	kfree(path);
	return ret;
}

static int call_take(void __user *arg)
{
	uuid_t id;
	int ret = id_from_user(&id, arg);

	return ret ? ret : snapshot_list_take(&id);
}

/* The ids, or ENODATA and how many there are. */
static int collect_ids(struct blksnap_uuid __user *to, u32 *count)
{
	u32 found = snapshot_list_collect(NULL, 0);
	uuid_t *ids;
	u32 i, room;
	int ret = 0;

	/* Some more may have come until they are copied. */
	room = min(*count, found);
	ids = kvcalloc(max_t(u32, room, 1), sizeof(*ids), GFP_KERNEL);
	if (!ids)
		return -ENOMEM;
	found = snapshot_list_collect(ids, room);
	if (found > *count)
		ret = -ENODATA;
	else
		found = min(found, room);
	for (i = 0; !ret && i < found; i++)
		ret = id_to_user(to + i, &ids[i]);
	kvfree(ids);
	*count = found;
	return ret;
}

static int call_collect(void __user *arg)
{
	struct blksnap_collect __user *to = arg;
	struct blksnap_collect given;
	int ret = 0;

	if (copy_from_user(&given, arg, sizeof(given)))
		return -EFAULT;
	if (given.ids)
		ret = collect_ids(u64_to_user_ptr(given.ids), &given.count);
	else
		given.count = snapshot_list_collect(NULL, 0);
	if (ret && ret != -ENODATA)
		return ret;
	return put_user(given.count, &to->count) ? -EFAULT : ret;
}

/* The part of the body that fits; what does not is ENOSPC. */
static int event_to_user(struct blksnap_event __user *to,
			 const struct event *event)
{
	u32 size = min_t(u32, event->size, BLKSNAP_EVENT_DATA_SIZE);

	if (put_user(event->code, &to->code) ||
	    put_user(event->time_label, &to->time_label) ||
	    copy_to_user(to->data, event->body, size) ||
	    clear_user(to->data + size, BLKSNAP_EVENT_DATA_SIZE - size))
		return -EFAULT;
	return size < event->size ? -ENOSPC : 0;
}

static int call_wait_event(void __user *arg)
{
	struct blksnap_event __user *to = arg;
	struct snapshot *snapshot;
	struct event *event;
	u32 timeout_ms;
	uuid_t id;
	int ret;

	ret = id_from_user(&id, &to->id);
	if (ret)
		return ret;
	if (get_user(timeout_ms, &to->timeout_ms))
		return -EFAULT;
	snapshot = snapshot_list_get(&id);
	if (!snapshot)
		return -ESRCH;
	event = event_wait(&snapshot->events, timeout_ms);
	if (IS_ERR(event)) {
		ret = PTR_ERR(event);
	} else {
		ret = event_to_user(to, event);
		if (ret == -EFAULT)
			event_unpost(&snapshot->events, event);
		else
			kfree(event);
	}
	snapshot_put(snapshot);
	return ret;
}

static int (*const calls[])(void __user *arg) = {
	[BLKSNAP_NR_VERSION] = call_version,
	[BLKSNAP_NR_SNAPSHOT_CREATE] = call_create,
	[BLKSNAP_NR_SNAPSHOT_DESTROY] = call_destroy,
	[BLKSNAP_NR_SNAPSHOT_APPEND_STORAGE] = call_append_storage,
	[BLKSNAP_NR_SNAPSHOT_TAKE] = call_take,
	[BLKSNAP_NR_SNAPSHOT_COLLECT] = call_collect,
	[BLKSNAP_NR_SNAPSHOT_WAIT_EVENT] = call_wait_event,
};

static long control_ioctl(struct file *file, unsigned int cmd,
			  unsigned long arg)
{
	unsigned int nr = _IOC_NR(cmd);

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (nr >= ARRAY_SIZE(calls))
		return -ENOTTY;
	nr = array_index_nospec(nr, ARRAY_SIZE(calls));
	return calls[nr]((void __user *)arg);
}

static const struct file_operations control_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = control_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
};

static struct miscdevice control_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = BLKSNAP_CTL,
	.fops = &control_fops,
	.mode = 0600,
};

int control_start(void)
{
	return misc_register(&control_device);
}

void control_stop(void)
{
	misc_deregister(&control_device);
}

// SPDX-License-Identifier: GPL-2.0
/*
 * The filter calls on an open block device. They need CAP_SYS_ADMIN: a filter
 * slows the device down and a snapshot shows all of it.
 */
#include <linux/blkdev.h>
#include <linux/capability.h>
#include <linux/compat.h>
#include <linux/limits.h>
#include <linux/mm.h>
#include <linux/nospec.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include "cbt.h"
#include "filter.h"
#include "filter_calls.h"
#include "filter_table.h"
#include "snapshot_list.h"
#include "write_path.h"

/* Ranges of one cbtdirty call. */
#define DIRTY_RANGES_MAX	1048576U
/* A 32-bit program's cbtinfo may lack the padding at its end. */
#define CBTINFO_SIZE_32		36

/* optlen: in, the buffer's size, at least what is written; out, what was. */
static int opt_put(void __user *opt, u32 *optlen, const void *from, u32 size)
{
	if (*optlen < size)
		return -EINVAL;
	if (copy_to_user(opt, from, size))
		return -EFAULT;
	*optlen = size;
	return 0;
}

static int opt_get(void *to, u32 *optlen, const void __user *opt, u32 size)
{
	if (*optlen < size)
		return -EINVAL;
	if (copy_from_user(to, opt, size))
		return -EFAULT;
	*optlen = 0;
	return 0;
}

static int ctl_cbtinfo(struct filter *filter, void __user *opt, u32 *optlen)
{
	struct blksnap_cbtinfo info;
	u32 size = sizeof(info);

	if (in_compat_syscall() && *optlen < size)
		size = CBTINFO_SIZE_32;
	cbt_info(&filter->cbt, &info);
	return opt_put(opt, optlen, &info, size);
}

static int ctl_cbtmap(struct filter *filter, void __user *opt, u32 *optlen)
{
	struct blksnap_cbtmap given;
	u8 __user *buffer;
	ssize_t done;
	int ret = opt_get(&given, optlen, opt, sizeof(given));

	if (ret)
		return ret;
	buffer = u64_to_user_ptr(given.buffer);
	if (given.length && !buffer)
		return -EFAULT;
	done = cbt_read(&filter->cbt, given.offset, given.length, buffer);
	return done < 0 ? done : 0;
}

static int ctl_cbtdirty(struct filter *filter, void __user *opt, u32 *optlen)
{
	struct blksnap_cbtdirty given;
	struct blksnap_sectors *ranges;
	u64 capacity = bdev_nr_sectors(filter->bdev);
	u32 i;
	int ret = opt_get(&given, optlen, opt, sizeof(given));

	if (ret || !given.count)
		return ret;
	if (given.count > DIRTY_RANGES_MAX)
		return -EINVAL;
	ranges = vmemdup_user(u64_to_user_ptr(given.dirty_sectors),
			      array_size(given.count, sizeof(*ranges)));
	if (IS_ERR(ranges))
		return PTR_ERR(ranges);
	/* All are looked at before the first is marked. */
	for (i = 0; i < given.count && !ret; i++)
		if (!ranges[i].count || ranges[i].offset >= capacity ||
		    ranges[i].count > capacity - ranges[i].offset)
			ret = -EINVAL;
	for (i = 0; i < given.count && !ret; i++)
		ret = cbt_mark_both(&filter->cbt, ranges[i].offset,
				    ranges[i].count);
	kvfree(ranges);
	return ret;
}

static int ctl_snapshotadd(struct filter *filter, void __user *opt,
			   u32 *optlen)
{
	struct blksnap_snapshotadd given;
	uuid_t id;
	int ret = opt_get(&given, optlen, opt, sizeof(given));

	if (ret)
		return ret;
	import_uuid(&id, given.id.b);
	return snapshot_list_add(&id, filter);
}

static int ctl_snapshotinfo(struct filter *filter, void __user *opt,
			    u32 *optlen)
{
	struct blksnap_snapshotinfo info;

	filter_snapshot_info(filter, &info);
	return opt_put(opt, optlen, &info, sizeof(info));
}

static int (*const commands[])(struct filter *filter, void __user *opt,
			       u32 *optlen) = {
	[BLKFILTER_CTL_CBTINFO] = ctl_cbtinfo,
	[BLKFILTER_CTL_CBTMAP] = ctl_cbtmap,
	[BLKFILTER_CTL_CBTDIRTY] = ctl_cbtdirty,
	[BLKFILTER_CTL_SNAPSHOTADD] = ctl_snapshotadd,
	[BLKFILTER_CTL_SNAPSHOTINFO] = ctl_snapshotinfo,
};

static bool is_our_name(const u8 *name)
{
	return !strncmp((const char *)name, BLKFILTER_NAME,
			BLKFILTER_NAME_LENGTH);
}

static int call_ctl(struct block_device *bdev, void __user *arg)
{
	struct blkfilter_ctl __user *to = arg;
	struct blkfilter_ctl ctl;
	struct filter *filter;
	u32 cmd;
	int ret;

	if (copy_from_user(&ctl, arg, sizeof(ctl)))
		return -EFAULT;
	filter = is_our_name(ctl.name) ? filter_get(bdev) : NULL;
	if (!filter)
		return -ENOENT;
	ret = -ENOTTY;
	cmd = ctl.cmd;
	if (cmd < ARRAY_SIZE(commands)) {
		cmd = array_index_nospec(cmd, ARRAY_SIZE(commands));
		ret = commands[cmd](filter, u64_to_user_ptr(ctl.opt),
				    &ctl.optlen);
	}
	filter_put(filter);
	if (!ret && put_user(ctl.optlen, &to->optlen))
		ret = -EFAULT;
	return ret;
}

static int call_attach(struct block_device *bdev, void __user *arg)
{
	struct blkfilter_name given;

	if (copy_from_user(&given, arg, sizeof(given)))
		return -EFAULT;
	return is_our_name(given.name) ?
		       filter_attach(bdev, write_path_set_up) :
		       -ENOENT;
}

static int call_detach(struct block_device *bdev, void __user *arg)
{
	struct blkfilter_name given;

	if (copy_from_user(&given, arg, sizeof(given)))
		return -EFAULT;
	return is_our_name(given.name) ? filter_detach(bdev) : -ENOENT;
}

long filter_call(struct file *file, unsigned int cmd, void __user *arg)
{
	struct block_device *bdev = I_BDEV(file->f_mapping->host);

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	switch (_IOC_NR(cmd)) {
	case BLKFILTER_NR_ATTACH:
		return call_attach(bdev, arg);
	case BLKFILTER_NR_DETACH:
		return call_detach(bdev, arg);
	default:
		return call_ctl(bdev, arg);
	}
}

// SPDX-License-Identifier: GPL-2.0
/*
 * What the block layer of a stock kernel does not offer, ftrace does: at the
 * entry of a few functions it asks us where to go on.
 *
 *   submit_bio_noacct_nocheck
 *                           every bio passes here on its way from the checks
 *                           and a cgroup's throttle to the driver; writes are
 *                           redirected to write_path_submit() while any
 *                           filter is attached
 *   __blk_throtl_bio        the throttle itself: the rest of a split write,
 *                           which is on its way already, is not held there
 *   blkdev_ioctl, compat_…  the filter calls of open block devices
 *   device_del              a disk or a partition goes away
 *   bdev_write_page         page writes around submit_bio (brd, zram): told
 *                           to use a bio, where a filter is
 *
 * Behind the throttle, for what a cgroup's limits hold back is not on its way:
 * no take waits for it. When it is let go the throttle comes here as well.
 *
 * We call the originals behind the place where ftrace takes over: so they are
 * not redirected again, whoever traces them sees each call once, and it costs
 * half of what a look at the caller's address would. Where that is not possible
 * (see COMPAT_CALLS_BODY), our bios bear a mark until they come by.
 *
 * Leaving: unregistering waits until nobody is in a trampoline or callback;
 * then all who are inside of redirected functions are waited for, and at last
 * whoever was preempted between leaving and returning (RCU-tasks, RCU).
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/blk_types.h>
#include <linux/blkdev.h>
#include <linux/device.h>
#include <linux/ftrace.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/rcupdate.h>
#include "compat/compat.h"
#include "filter.h"
#include "filter_calls.h"
#include "filter_table.h"
#include "hook.h"
#include "passage.h"
#include "probe.h"
#include "submit.h"
#include "write_path.h"

#ifdef COMPAT_CALLS_BODY
/* The original, behind the place where ftrace takes over. */
static void (*device_del_body)(struct device *dev) __ro_after_init;
#else
#define device_del_body	device_del
#endif

static void hooked_submit(struct bio *bio)
{
	submit_enter();
	if (unlikely(probe_is(bio)))
		probe_seen();
	if (write_path_submit(bio))
		submit_unhooked(bio);
	submit_leave();
}

static long hooked_ioctl(struct file *file, unsigned int cmd,
			 unsigned long arg)
{
	long ret;

	submit_enter();
	ret = filter_call(file, cmd, (void __user *)arg);
	submit_leave();
	return ret;
}

static void hooked_device_del(struct device *dev)
{
	submit_enter();
	filter_device_gone(dev);
	device_del_body(dev);
	submit_leave();
}

/* Tells the caller to go on. */
static bool hooked_throttle(struct bio *bio)
{
	return false;
}

#ifdef COMPAT_HAS_BDEV_WRITE_PAGE
/* Tells the caller to use a bio. */
static int hooked_write_page(struct block_device *bdev, sector_t sector,
			     struct page *page, struct writeback_control *wbc)
{
	return -EOPNOTSUPP;
}
#endif

/* Each answers where to go on, or 0: as if we were not there. */
static unsigned long notrace submit_reached(const struct ftrace_regs *fregs)
{
	struct bio *bio = (struct bio *)compat_ftrace_arg0(fregs);

	if (compat_bio_is_ours(bio)) {
		compat_bio_not_ours(bio);
		return 0;
	}
	if (!filters_attached())
		return 0;
	return op_is_write(bio_op(bio)) ? (unsigned long)hooked_submit : 0;
}

static unsigned long notrace
throttle_reached(const struct ftrace_regs *fregs)
{
	struct bio *bio = (struct bio *)compat_ftrace_arg0(fregs);

	if (compat_bio_is_ours(bio))
		return (unsigned long)hooked_throttle;
	if (!filters_attached())
		return 0;
	return op_is_write(bio_op(bio)) && passage_is_of_rest(bio) ?
		       (unsigned long)hooked_throttle : 0;
}

static unsigned long notrace ioctl_reached(const struct ftrace_regs *fregs)
{
	return filter_call_is_ours(compat_ftrace_arg1(fregs)) ?
		       (unsigned long)hooked_ioctl : 0;
}

static unsigned long notrace
device_del_reached(const struct ftrace_regs *fregs)
{
	/* The device is marked as dead: pairs with filter_attach(). */
	smp_mb();
	return filters_attached() ? (unsigned long)hooked_device_del : 0;
}

#ifdef COMPAT_HAS_BDEV_WRITE_PAGE
static unsigned long notrace
write_page_reached(const struct ftrace_regs *fregs)
{
	if (!filters_attached() ||
	    !filter_watches((void *)compat_ftrace_arg0(fregs)))
		return 0;
	return (unsigned long)hooked_write_page;
}
#endif

static struct hook {
	const char *name;
	unsigned long (*reached)(const struct ftrace_regs *fregs);
	unsigned long address;
} hooks[] = {
	/* This one is looked for first: it is the one called often */
	{ "submit_bio_noacct_nocheck", submit_reached, 0 },
	/* and then this one: hook_start() knows */
	{ "device_del", device_del_reached, 0 },
#ifdef CONFIG_BLK_DEV_THROTTLING
	{ "__blk_throtl_bio", throttle_reached, 0 },
#endif
	{ "blkdev_ioctl", ioctl_reached, 0 },
#ifdef CONFIG_COMPAT
	{ "compat_blkdev_ioctl", ioctl_reached, 0 },
#endif
#ifdef COMPAT_HAS_BDEV_WRITE_PAGE
	{ "bdev_write_page", write_page_reached, 0 },
#endif
};

/* Of those not called often; a call behind the hook does not come here. */
static __always_inline bool called_by_us(unsigned long parent)
{
#ifdef COMPAT_CALLS_BODY
	return false;
#else
	return within_module(parent, THIS_MODULE);
#endif
}

static void notrace reached(unsigned long ip, unsigned long parent,
			    struct ftrace_ops *ops, struct ftrace_regs *fregs)
{
	unsigned long target = 0;
	unsigned int i;

	if (likely(compat_ftrace_is_at(ip, hooks[0].address)))
		target = submit_reached(fregs);
	else if (!called_by_us(parent))
		for (i = 1; i < ARRAY_SIZE(hooks); i++)
			if (compat_ftrace_is_at(ip, hooks[i].address))
				target = hooks[i].reached(fregs);
	if (target)
		compat_ftrace_go_to(fregs, target);
}

/*
 * PERMANENT: with hooks in place ftrace can't be switched off by sysctl, for
 * that would let writes pass uncounted.
 */
static struct ftrace_ops hook_ops = {
	.func = reached,
	.flags = FTRACE_OPS_FL_IPMODIFY | FTRACE_OPS_FL_PERMANENT,
};

/* Where the functions begin, exported or not: kprobes know. */
static int find_addresses(void)
{
	static struct kprobe probes[ARRAY_SIZE(hooks)];
	struct kprobe *found[ARRAY_SIZE(hooks)];
	unsigned int i;
	int ret = 0;

	for (i = 0; i < ARRAY_SIZE(hooks); i++) {
		probes[i].symbol_name = hooks[i].name;
		probes[i].flags = KPROBE_FLAG_DISABLED;
		ret = register_kprobe(&probes[i]);
		if (ret) {
			pr_err("%s is not to be found, error %d: this kernel is built otherwise\n",
			       hooks[i].name, ret);
			break;
		}
		hooks[i].address = (unsigned long)probes[i].addr;
		found[i] = &probes[i];
	}
	if (i)
		unregister_kprobes(found, i);
	return ret;
}

int __init hook_start(void)
{
	unsigned int i;
	int ret = find_addresses();

	if (ret)
		return ret;
#ifdef COMPAT_CALLS_BODY
	device_del_body = compat_ftrace_body(hooks[1].address);
	ret = submit_start(compat_ftrace_body(hooks[0].address));
	if (!device_del_body)
		ret = -EOPNOTSUPP;
#endif
	for (i = 0; i < ARRAY_SIZE(hooks) && !ret; i++)
		ret = ftrace_set_filter_ip(&hook_ops, hooks[i].address, 0, 0);
	if (ret) {
		pr_err("the kernel's functions can't be traced, error %d: it is built otherwise\n",
		       ret);
		goto free;
	}
	/* From here on calls may come. */
	ret = register_ftrace_function(&hook_ops);
	if (ret) {
		pr_err("ftrace refuses the hooks, error %d: it is off (kernel.ftrace_enabled), or a live patch has one of the functions\n",
		       ret);
		goto free;
	}
	/* As if a filter were attached. */
	atomic_inc(&filter_count);
	ret = probe_run();
	atomic_dec(&filter_count);
	if (ret)
		hook_stop();
	return ret;

free:
	ftrace_free_filter(&hook_ops);
	return ret;
}

void hook_stop(void)
{
	unregister_ftrace_function(&hook_ops);
	ftrace_free_filter(&hook_ops);
	submit_drain();
	synchronize_rcu_tasks();
	synchronize_rcu();
}

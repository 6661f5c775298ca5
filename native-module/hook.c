// SPDX-License-Identifier: GPL-2.0
/*
 * What the block layer of a stock kernel does not offer, ftrace does: at the
 * entry of a few functions it asks us where to go on.
 *
 *   submit_bio_noacct       every bio passes here; writes are redirected to
 *                           passage_submit() while any filter is attached
 *   blkdev_ioctl, compat_…  the filter calls of open block devices
 *   device_del              a disk or a partition goes away
 *   bdev_write_page         page writes around submit_bio (brd, zram): told
 *                           to use a bio, where a filter is
 *
 * A call from inside of this module is never redirected, so that we call the
 * originals by calling them. The module is built without sibling calls, for a
 * tail call would show somebody else as the parent.
 *
 * Leaving: unregistering waits until nobody is in a trampoline or callback;
 * then all who are inside of redirected functions are waited for, and at last
 * whoever was preempted between leaving and returning (RCU-tasks, RCU).
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/blk_types.h>
#include <linux/blkdev.h>
#include <linux/delay.h>
#include <linux/device.h>
#include <linux/ftrace.h>
#include <linux/module.h>
#include <linux/rcupdate.h>
#include <linux/string.h>
#include "compat/compat.h"
#include "filter.h"
#include "filter_calls.h"
#include "hook.h"
#include "passage.h"

#define DRAIN_POLL_MS	1

DEFINE_PER_CPU(long, hook_inside);

static __always_inline bool from_inside(unsigned long parent)
{
	return within_module_core(parent, THIS_MODULE);
}

static void hooked_submit(struct bio *bio)
{
	hook_enter();
	if (passage_submit(bio))
		submit_bio_noacct(bio);
	hook_leave();
}

static void notrace submit_reached(unsigned long ip, unsigned long parent,
				   struct ftrace_ops *ops,
				   struct ftrace_regs *fregs)
{
	const struct bio *bio;

	if (!static_branch_unlikely(&filters_attached))
		return;
	bio = (const struct bio *)compat_ftrace_arg0(fregs);
	if (!op_is_write(bio_op(bio)) || from_inside(parent))
		return;
	ftrace_instruction_pointer_set(fregs, (unsigned long)hooked_submit);
}

static long hooked_ioctl(struct file *file, unsigned int cmd,
			 unsigned long arg)
{
	long ret;

	hook_enter();
	ret = filter_call(file, cmd, (void __user *)arg);
	hook_leave();
	return ret;
}

static void notrace ioctl_reached(unsigned long ip, unsigned long parent,
				  struct ftrace_ops *ops,
				  struct ftrace_regs *fregs)
{
	if (filter_call_is_ours(compat_ftrace_arg1(fregs)))
		ftrace_instruction_pointer_set(fregs,
					       (unsigned long)hooked_ioctl);
}

static void hooked_device_del(struct device *dev)
{
	hook_enter();
	filter_device_gone(dev);
	device_del(dev);
	hook_leave();
}

static void notrace device_del_reached(unsigned long ip, unsigned long parent,
				       struct ftrace_ops *ops,
				       struct ftrace_regs *fregs)
{
	if (static_branch_unlikely(&filters_attached) && !from_inside(parent))
		ftrace_instruction_pointer_set(fregs,
					       (unsigned long)hooked_device_del);
}

#ifdef COMPAT_HAS_BDEV_WRITE_PAGE
static int hooked_write_page(struct block_device *bdev, sector_t sector,
			     struct page *page, struct writeback_control *wbc)
{
	return -EOPNOTSUPP;
}

static void notrace write_page_reached(unsigned long ip, unsigned long parent,
				       struct ftrace_ops *ops,
				       struct ftrace_regs *fregs)
{
	struct block_device *bdev;

	if (!static_branch_unlikely(&filters_attached))
		return;
	bdev = (struct block_device *)compat_ftrace_arg0(fregs);
	if (filter_watches(bdev))
		ftrace_instruction_pointer_set(fregs,
					       (unsigned long)hooked_write_page);
}
#endif

/*
 * PERMANENT: with hooks in place ftrace can't be switched off by sysctl, for
 * that would let writes pass uncounted.
 */
#define HOOK(function, reached) {					\
	.name = function,						\
	.ops = {							\
		.func = reached,					\
		.flags = FTRACE_OPS_FL_IPMODIFY | FTRACE_OPS_FL_PERMANENT, \
	},								\
}

static struct hook {
	const char *name;
	bool registered;
	struct ftrace_ops ops;
} hooks[] = {
	HOOK("device_del", device_del_reached),
	HOOK("submit_bio_noacct", submit_reached),
#ifdef COMPAT_HAS_BDEV_WRITE_PAGE
	HOOK("bdev_write_page", write_page_reached),
#endif
	HOOK("blkdev_ioctl", ioctl_reached),
#ifdef CONFIG_COMPAT
	HOOK("compat_blkdev_ioctl", ioctl_reached),
#endif
};

static int hook_register(struct hook *hook)
{
	/* ftrace_set_filter() takes a pattern that it may write to */
	char name[KSYM_NAME_LEN];
	int ret;

	strscpy(name, hook->name, sizeof(name));
	ret = ftrace_set_filter(&hook->ops, name, strlen(name), 1);
	if (!ret)
		ret = register_ftrace_function(&hook->ops);
	if (ret) {
		pr_err("%s can't be hooked, error %d: ftrace is off (kernel.ftrace_enabled), or a live patch has it\n",
		       hook->name, ret);
		ftrace_free_filter(&hook->ops);
		return ret;
	}
	hook->registered = true;
	return 0;
}

int hook_start(void)
{
	unsigned int i;
	int ret;

	for (i = 0; i < ARRAY_SIZE(hooks); i++) {
		ret = hook_register(&hooks[i]);
		if (ret) {
			hook_stop();
			return ret;
		}
	}
	return 0;
}

static long inside_sum(void)
{
	long sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += READ_ONCE(per_cpu(hook_inside, cpu));
	return sum;
}

void hook_stop(void)
{
	unsigned int i = ARRAY_SIZE(hooks);

	while (i--) {
		if (!hooks[i].registered)
			continue;
		unregister_ftrace_function(&hooks[i].ops);
		ftrace_free_filter(&hooks[i].ops);
		hooks[i].registered = false;
	}
	synchronize_rcu_tasks();
	while (inside_sum())
		msleep(DRAIN_POLL_MS);
	synchronize_rcu_tasks();
	synchronize_rcu();
}

/* SPDX-License-Identifier: GPL-2.0 */
#ifndef BLKSNAP_HOOK_H
#define BLKSNAP_HOOK_H

#include <linux/init.h>
#include <linux/percpu.h>

struct bio;

/*
 * How many are inside of code that the kernel entered by a hook or by a
 * bio's end, per CPU. Whoever leaves may do so on another CPU: only the sum
 * means something, and only when nobody new can enter.
 */
DECLARE_PER_CPU(long, hook_inside);

static inline void hook_enter(void)
{
	this_cpu_inc(hook_inside);
}

static inline void hook_leave(void)
{
	this_cpu_dec(hook_inside);
}

/* submit_bio_noacct(), past all filters. */
void submit_unhooked(struct bio *bio);

int __init hook_start(void);
void hook_stop(void);

#endif /* BLKSNAP_HOOK_H */

/* SPDX-License-Identifier: GPL-2.0 */
#ifndef BLKSNAP_SUBMIT_H
#define BLKSNAP_SUBMIT_H

#include <linux/init.h>
#include <linux/percpu.h>

struct bio;

/*
 * How many are inside of code that the kernel entered by a hook or by a
 * bio's end, per CPU. Whoever leaves may do so on another CPU: only the sum
 * means something, and only when nobody new can enter.
 */
DECLARE_PER_CPU(long, submit_inside);

static inline void submit_enter(void)
{
	this_cpu_inc(submit_inside);
}

static inline void submit_leave(void)
{
	this_cpu_dec(submit_inside);
}

/* On with a bio that came by the hook, past all filters. */
void submit_unhooked(struct bio *bio);

/* Before the first bio: the hooked function behind its hook. EOPNOTSUPP: NULL */
int __init submit_start(void (*body)(struct bio *bio));

/* Waits until nobody is inside; nobody new can enter. */
void submit_drain(void);

#endif /* BLKSNAP_SUBMIT_H */

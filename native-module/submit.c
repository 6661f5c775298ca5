// SPDX-License-Identifier: GPL-2.0
#include <linux/cache.h>
#include <linux/cpumask.h>
#include <linux/delay.h>
#include "compat/compat.h"
#include "submit.h"

#define DRAIN_POLL_MS	1

DEFINE_PER_CPU(long, submit_inside);

#ifdef COMPAT_CALLS_BODY
/* The original, behind the place where ftrace takes over. */
static void (*submit_body)(struct bio *bio) __ro_after_init;

int __init submit_start(void (*body)(struct bio *bio))
{
	submit_body = body;
	return body ? 0 : -EOPNOTSUPP;
}
#endif

/*
 * Where the body can't be called, the bio comes by the throttle and the hook once
 * more; both let it go on at once.
 */
void submit_unhooked(struct bio *bio)
{
#ifdef COMPAT_CALLS_BODY
	submit_body(bio);
#else
	bio_set_flag(bio, COMPAT_BIO_OURS);
	submit_bio_noacct(bio);
#endif
}

static long inside_sum(void)
{
	long sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += READ_ONCE(per_cpu(submit_inside, cpu));
	return sum;
}

void submit_drain(void)
{
	while (inside_sum())
		msleep(DRAIN_POLL_MS);
}

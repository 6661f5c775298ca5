// SPDX-License-Identifier: GPL-2.0
#include <linux/cache.h>
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/errno.h>
#include <linux/jiffies.h>
#include <linux/mutex.h>
#include <linux/sched/signal.h>
#include "compat/compat.h"
#include "submit.h"

#define DRAIN_POLL_MS	1

DEFINE_PER_CPU(long, submit_inside);
DEFINE_PER_CPU(long [2], submit_inside_phase);
unsigned int submit_phase __read_mostly;

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

static long inside(void)
{
	long sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += READ_ONCE(per_cpu(submit_inside, cpu));
	return sum;
}

static long inside_phase(unsigned int phase)
{
	long sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += READ_ONCE(per_cpu(submit_inside_phase, cpu)[phase]);
	return sum;
}

/* Nobody new begins in that phase. */
static int phase_ends(unsigned int phase, unsigned long deadline)
{
	while (inside_phase(phase)) {
		if (fatal_signal_pending(current))
			return -EINTR;
		if (time_after(jiffies, deadline))
			return -ETIMEDOUT;
		msleep(DRAIN_POLL_MS);
	}
	smp_mb(); /* what they did is seen by whoever is told of their end */
	return 0;
}

int submit_flush(unsigned int timeout_ms)
{
	static DEFINE_MUTEX(flush_mutex);
	unsigned long deadline = jiffies + msecs_to_jiffies(timeout_ms);
	unsigned int phase;
	int ret;

	if (mutex_lock_killable(&flush_mutex))
		return -EINTR;
	phase = submit_phase;
	/* Of an earlier flush that did not wait for all of them. */
	ret = phase_ends(!phase, deadline);
	if (ret)
		goto unlock;
	/* pairs with submit_begin(): who begins in it sees all before this */
	smp_store_release(&submit_phase, !phase);
	synchronize_rcu();
	ret = phase_ends(phase, deadline);
unlock:
	mutex_unlock(&flush_mutex);
	return ret;
}

void submit_drain(void)
{
	while (inside() || inside_phase(0) || inside_phase(1))
		msleep(DRAIN_POLL_MS);
}

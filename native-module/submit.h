/* SPDX-License-Identifier: GPL-2.0 */
#ifndef BLKSNAP_SUBMIT_H
#define BLKSNAP_SUBMIT_H

#include <linux/init.h>
#include <linux/percpu.h>
#include <linux/rcupdate.h>

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

/*
 * The same of those who submit, from the look for filters until the bio, and
 * all that its drivers submitted meanwhile (current->bio_list), is in a
 * driver's hands. In one of two phases, so that those of before a moment can be
 * waited for while others come: see submit_flush().
 */
DECLARE_PER_CPU(long [2], submit_inside_phase);
extern unsigned int submit_phase;

static inline unsigned int submit_begin(void)
{
	unsigned int phase;

	/* so that a grace period later nobody begins in the phase before */
	rcu_read_lock();
	phase = smp_load_acquire(&submit_phase); /* pairs with submit_flush() */
	this_cpu_inc(submit_inside_phase[phase]);
	rcu_read_unlock();
	return phase;
}

static inline void submit_end(unsigned int phase)
{
	this_cpu_dec(submit_inside_phase[phase]);
}

/* On with a bio that came by the hook, past all filters. */
void submit_unhooked(struct bio *bio);

/* Before the first bio: the hooked function behind its hook. EOPNOTSUPP: NULL */
int __init submit_start(void (*body)(struct bio *bio));

/*
 * Waits until all who do not see what the caller wrote before have ended what
 * they submit. ETIMEDOUT: somebody has not; EINTR: the caller was killed.
 */
int submit_flush(unsigned int timeout_ms);

/* Waits until nobody is inside; nobody new can enter. */
void submit_drain(void);

#endif /* BLKSNAP_SUBMIT_H */

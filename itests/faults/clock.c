// SPDX-License-Identifier: Apache-2.0
/*
 * The clocks a process sees. The wall clock is stepped and drifts; the clocks since boot stay as they
 * are unless told. A wait until a moment of the wall clock is put back to the true clock, as it was
 * when the wait began. Time stamps of files are the kernel's, and never moved.
 */
#define _GNU_SOURCE
#include "rules.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/time.h>
#include <time.h>

#define SECOND INT64_C(1000000000)
/* No machine has run so long: a later moment is one of the wall clock. */
#define LONGEST_UPTIME 1000000000

typedef int gettime_type(clockid_t, struct timespec *);
typedef int timedwait_type(pthread_cond_t *, pthread_mutex_t *, const struct timespec *);

static int true_gettime(clockid_t clock, struct timespec *time)
{
	static _Atomic(gettime_type *) next;
	gettime_type *real = atomic_load_explicit(&next, memory_order_relaxed);

	if (real == NULL) {
		real = (gettime_type *)next_symbol("clock_gettime");
		atomic_store_explicit(&next, real, memory_order_relaxed);
	}
	return real(clock, time);
}

static void move(struct timespec *time, int64_t by)
{
	int64_t nanos = (int64_t)time->tv_sec * SECOND + time->tv_nsec + by;

	if (nanos < 0)
		nanos = 0;
	time->tv_sec = nanos / SECOND;
	time->tv_nsec = nanos % SECOND;
}

/* How far the wall clock is ahead now. */
static int64_t ahead(void)
{
	const struct clocks *clocks = clocks_in_force();
	struct timespec now;

	if (clocks->drift == 0)
		return clocks->realtime;
	true_gettime(CLOCK_MONOTONIC, &now);
	double elapsed = (double)((int64_t)now.tv_sec * SECOND + now.tv_nsec - clocks->base) / SECOND;
	return clocks->realtime + (int64_t)(elapsed * (double)clocks->drift);
}

int clock_gettime(clockid_t clock, struct timespec *time)
{
	int result = true_gettime(clock, time);

	if (result != 0)
		return result;
	switch (clock) {
	case CLOCK_REALTIME:
	case CLOCK_REALTIME_COARSE:
	case CLOCK_TAI:
		move(time, ahead());
		break;
	case CLOCK_MONOTONIC:
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_MONOTONIC_COARSE:
	case CLOCK_BOOTTIME:
		if (clocks_in_force()->monotonic != 0)
			move(time, clocks_in_force()->monotonic);
		break;
	default:
		break;
	}
	return 0;
}

int gettimeofday(struct timeval *restrict time, void *restrict zone)
{
	struct timespec now;

	if (zone != NULL)
		*(struct timezone *)zone = (struct timezone){0, 0};
	clock_gettime(CLOCK_REALTIME, &now);
	*time = (struct timeval){now.tv_sec, now.tv_nsec / 1000};
	return 0;
}

time_t time(time_t *time)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (time != NULL)
		*time = now.tv_sec;
	return now.tv_sec;
}

int pthread_cond_timedwait(pthread_cond_t *restrict condition, pthread_mutex_t *restrict mutex, const struct timespec *restrict until)
{
	static _Atomic(timedwait_type *) next;
	timedwait_type *real = atomic_load_explicit(&next, memory_order_relaxed);
	struct timespec moved = *until;

	if (real == NULL) {
		real = (timedwait_type *)next_symbol("pthread_cond_timedwait");
		atomic_store_explicit(&next, real, memory_order_relaxed);
	}
	move(&moved, moved.tv_sec > LONGEST_UPTIME ? -ahead() : -clocks_in_force()->monotonic);
	return real(condition, mutex, &moved);
}

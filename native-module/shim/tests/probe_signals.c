/* SPDX-License-Identifier: Apache-2.0 */
/* Signals while a call is under way. */
#include <pthread.h>
#include <signal.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "probe.h"

static volatile sig_atomic_t seen;

static void count(int number)
{
	(void)number;
	seen++;
}

static void on_alarm(int flags)
{
	struct sigaction action = { .sa_handler = count, .sa_flags = flags };

	MUST(!sigaction(SIGALRM, &action, NULL));
}

static void alarm_after(int first_ms, int next_ms)
{
	struct itimerval times = { { 0, next_ms * 1000 }, { 0, first_ms * 1000 } };

	MUST(!setitimer(ITIMER_REAL, &times, NULL));
}

static void a_signal_ends_a_wait(void)
{
	struct wait wait = { .timeout = 120000 };
	int64_t begun = now_ms();
	int fd = node();

	on_alarm(SA_RESTART);
	alarm_after(200, 0);
	FAILS(ioctl(fd, WAIT, &wait), EINTR);
	MUST(seen == 1 && now_ms() - begun < 5000);
	while (engine(fd, ENGINE_WAITS, 0))
		pause_ms(10);
}

static volatile sig_atomic_t inside, early;

static void note(int number)
{
	(void)number;
	early |= !inside;
}

/*
 * Also one that comes while the call is not asleep yet. Between the note that
 * it begins and its beginning lie some microseconds: a few rounds may be lost.
 */
static void a_signal_at_any_time_of_a_wait_ends_it(void)
{
	int fd = node(), lost = 0, counted = 0;

	MUST(signal(SIGALRM, note) != SIG_ERR);
	for (int i = 0; i < 400; i++) {
		struct itimerval times = { { 0, 0 }, { 0, 1 + i % 200 } };
		struct wait wait = { .timeout = 60 };

		early = inside = 0;
		MUST(!setitimer(ITIMER_REAL, &times, NULL));
		inside = 1;
		MUST(ioctl(fd, WAIT, &wait) == -1 && (errno == EINTR || errno == ENOENT));
		counted += !early;
		lost += !early && errno == ENOENT;
	}
	fprintf(stderr, "%d of %d were not ended\n", lost, counted);
	MUST(counted > 40 && lost * 8 <= counted);
}

static void a_signal_that_is_held_back_ends_no_wait(void)
{
	struct wait wait = { .timeout = 400 };
	sigset_t held, now;
	int fd = node();

	on_alarm(0);
	sigemptyset(&held);
	sigaddset(&held, SIGALRM);
	MUST(!sigprocmask(SIG_BLOCK, &held, NULL));
	alarm_after(50, 0);
	FAILS(ioctl(fd, WAIT, &wait), ENOENT);
	MUST(!seen && !sigpending(&now) && sigismember(&now, SIGALRM));
	MUST(!sigprocmask(SIG_SETMASK, NULL, &now) && sigismember(&now, SIGALRM) && !sigismember(&now, SIGTERM));
	MUST(!sigprocmask(SIG_UNBLOCK, &held, NULL) && seen == 1);
}

/* The engine takes 300 ms for it. */
static void a_signal_ends_no_other_call(void)
{
	uint64_t id[2] = { 0 };
	int fd = node();

	on_alarm(0);
	alarm_after(20, 20);
	MUST(!ioctl(fd, TAKE, id));
	MUST(seen >= 2);
}

static void a_signal_that_ends_the_program_does(void)
{
	int fd = node(), status;
	pid_t child = fork();

	if (!child) {
		struct wait wait = { .timeout = 60000 };

		ioctl(fd, WAIT, &wait);
		_exit(1);
	}
	while (!engine(fd, ENGINE_WAITS, 0))
		pause_ms(10);
	MUST(!kill(child, SIGTERM) && waitpid(child, &status, 0) == child);
	MUST(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
}

/* Thousands of signals, at every moment of a wait: each event comes, once, in its turn. */
static void no_signal_loses_an_event(void)
{
	uint32_t events = 400, next = 1;
	int fd = node();

	engine(fd, ENGINE_POSTS, events);
	on_alarm(SA_RESTART);
	alarm_after(1, 1);
	while (next <= events) {
		struct wait wait = { .timeout = 5000 };
		int done = ioctl(fd, WAIT, &wait);

		MUST(!done || errno == EINTR);
		if (!done) {
			MUST(*(uint32_t *)wait.data == next);
			next++;
		}
	}
	MUST(seen > 20);
}

static volatile int handlers_node;

static void call_from_handler(int number)
{
	(void)number;
	seen = version_is_there(handlers_node) ? 1 : 2;
}

static void a_handler_may_call(void)
{
	struct wait wait = { .timeout = 120000 };
	int fd = handlers_node = node();

	MUST(signal(SIGALRM, call_from_handler) != SIG_ERR);
	alarm_after(100, 0);
	FAILS(ioctl(fd, WAIT, &wait), EINTR);
	MUST(seen == 1);
}

static void *waits(void *given)
{
	struct wait wait = { .timeout = 120000 };

	FAILS(ioctl(*(int *)given, WAIT, &wait), EINTR);
	return NULL;
}

/* The child has a copy of the connection, but the engine is told of its end. */
static void a_childs_copy_keeps_no_wait_alive(void)
{
	int fd = node();
	pthread_t thread;
	pid_t child;

	on_alarm(0);
	MUST(!pthread_create(&thread, NULL, waits, &fd));
	while (!engine(fd, ENGINE_WAITS, 0))
		pause_ms(10);
	child = fork();
	if (!child) {
		pause_ms(60000);
		_exit(0);
	}
	MUST(!pthread_kill(thread, SIGALRM) && !pthread_join(thread, NULL));
	while (engine(fd, ENGINE_WAITS, 0))
		pause_ms(10);
	MUST(!kill(child, SIGKILL) && waitpid(child, NULL, 0) == child);
}

static void *waits_shortly(void *given)
{
	struct wait wait = { .timeout = 300 };

	ioctl(*(int *)given, WAIT, &wait);
	pthread_testcancel();
	return NULL;
}

/* A call is no point of cancellation, as ioctl is none: nothing is left lying about. */
static void a_cancelled_thread_leaves_nothing(void)
{
	int fd = node(), before = descriptors();
	pthread_t thread;
	void *how;

	MUST(!pthread_create(&thread, NULL, waits_shortly, &fd));
	pause_ms(100);
	MUST(!pthread_cancel(thread) && !pthread_join(thread, &how) && how == PTHREAD_CANCELED);
	MUST(descriptors() == before);
}

static void a_lost_wait_is_asked_again(void)
{
	struct wait wait = { .timeout = 120000 };
	int fd = node();

	engine(fd, ENGINE_POSTS, 1);
	engine(fd, ENGINE_DROPS_AT_FRAME, 1);
	FAILS(ioctl(fd, WAIT, &wait), EINTR);
	MUST(!ioctl(fd, WAIT, &wait));
}

const struct probe probe_signals[] = {
	{ "a_signal_ends_a_wait", a_signal_ends_a_wait },
	{ "a_signal_at_any_time_of_a_wait_ends_it", a_signal_at_any_time_of_a_wait_ends_it },
	{ "a_signal_that_is_held_back_ends_no_wait", a_signal_that_is_held_back_ends_no_wait },
	{ "a_signal_ends_no_other_call", a_signal_ends_no_other_call },
	{ "a_signal_that_ends_the_program_does", a_signal_that_ends_the_program_does },
	{ "no_signal_loses_an_event", no_signal_loses_an_event },
	{ "a_handler_may_call", a_handler_may_call },
	{ "a_childs_copy_keeps_no_wait_alive", a_childs_copy_keeps_no_wait_alive },
	{ "a_cancelled_thread_leaves_nothing", a_cancelled_thread_leaves_nothing },
	{ "a_lost_wait_is_asked_again", a_lost_wait_is_asked_again },
	{ 0 },
};

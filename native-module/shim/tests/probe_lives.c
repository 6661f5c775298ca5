/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors, processes, threads, and an engine that goes and comes. */
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#include "probe.h"

extern char **environ;

static void ended_well(pid_t child)
{
	int status;

	MUST(waitpid(child, &status, 0) == child && WIFEXITED(status) && !WEXITSTATUS(status));
}

static void a_copy_of_a_descriptor_is_one(void)
{
	int fd = node(), before = descriptors();
	int copies[] = { dup(fd), dup2(fd, 60), dup3(fd, 61, O_CLOEXEC), fcntl(fd, F_DUPFD, 70),
			 fcntl(fd, F_DUPFD_CLOEXEC, 80) };
	char word[8];

	MUST(!close(fd));
	for (unsigned int i = 0; i < sizeof(copies) / sizeof(*copies); i++)
		MUST(version_is_there(copies[i]));
	FAILS(ioctl(fd, VERSION, word), EBADF);
	MUST(dup2(open("/dev/null", O_RDWR), 60) == 60);
	FAILS(ioctl(60, VERSION, word), ENOTTY);
	MUST(!ioctl(61, FIONCLEX) && fcntl(61, F_GETFD) == 0 && !ioctl(61, FIOCLEX) && fcntl(61, F_GETFD) == 1);
	MUST(!close_range(3, ~0u, 0) && descriptors() < before);
	FAILS(ioctl(61, VERSION, word), EBADF);
	MUST(version_is_there(node()));
}

static void no_call_leaves_a_descriptor(void)
{
	int fd = node(), before = descriptors();
	uint64_t id[2];

	for (int i = 0; i < 100; i++) {
		MUST(version_is_there(fd) && !ioctl(fd, CREATE, id));
		FAILS(ioctl(fd, VERSION, NULL), EFAULT);
	}
	MUST(descriptors() == before);
	/* Whatever a program closes, nothing of ours was there. */
	for (int other = fd + 1; other < 100; other++)
		close(other);
	MUST(version_is_there(fd));
}

static void a_child_calls_as_its_parent_does(void)
{
	int fd = node();
	pid_t children[8];

	for (int i = 0; i < 8; i++) {
		children[i] = fork();
		for (int n = 0; !children[i] && n < 50; n++)
			MUST(version_is_there(fd));
		if (!children[i])
			_exit(0);
	}
	for (int n = 0; n < 50; n++)
		MUST(version_is_there(fd));
	for (int i = 0; i < 8; i++)
		ended_well(children[i]);
}

int probe_after_exec(char **arguments)
{
	char word[8];

	if (!strcmp(arguments[0], "inherited"))
		return !version_is_there(atoi(arguments[1]));
	return !(ioctl(atoi(arguments[1]), VERSION, word) == -1 && errno == EBADF);
}

static void a_descriptor_outlives_exec(void)
{
	int fd = open(NODE, O_RDWR), closed = node();
	char number[12], gone[12];
	char *kept[] = { "probe", "inherited", number, NULL }, *lost[] = { "probe", "closed", gone, NULL };
	pid_t child;

	sprintf(number, "%d", fd);
	sprintf(gone, "%d", closed);
	MUST(!posix_spawn(&child, "/proc/self/exe", NULL, NULL, kept, environ));
	ended_well(child);
	MUST(!posix_spawn(&child, "/proc/self/exe", NULL, NULL, lost, environ));
	ended_well(child);
	child = vfork();
	if (!child) {
		execve("/proc/self/exe", kept, environ);
		_exit(3);
	}
	ended_well(child);
	/* Not allowed to a program, but it must do no harm to the parent. */
	child = vfork();
	if (!child)
		_exit(!version_is_there(fd));
	ended_well(child);
	MUST(version_is_there(fd));
}

static void *creates(void *given)
{
	uint64_t(*ids)[2] = given;

	for (int i = 0; i < 100; i++) {
		int fd = node();

		MUST(!ioctl(fd, CREATE, ids[i]) && !close(fd));
	}
	return NULL;
}

static void threads_call_at_once(void)
{
	static uint64_t ids[16][100][2];
	pthread_t threads[16];

	for (int i = 0; i < 16; i++)
		MUST(!pthread_create(&threads[i], NULL, creates, ids[i]));
	for (int i = 0; i < 16; i++)
		MUST(!pthread_join(threads[i], NULL));
	for (int i = 0; i < 1600; i++)
		for (int k = 0; k < i; k++)
			MUST(memcmp(ids[0][i], ids[0][k], 16));
}

static void an_engine_that_goes_is_waited_for(void)
{
	int fd = node();
	int64_t begun = now_ms();
	uint64_t id[2];

	engine(fd, ENGINE_GOES_FOR, 300);
	MUST(version_is_there(fd));
	MUST(now_ms() - begun >= 250);
	engine(fd, ENGINE_GOES_FOR, 300);
	FAILS(open(NODE, O_RDWR), ENOENT);
	MUST(!ioctl(fd, CREATE, id));
}

static void an_engine_that_stays_away_is_told(void)
{
	int fd = node();
	uint64_t id[2] = { 0 };

	/* Patience is 1500 ms here. */
	engine(fd, ENGINE_GOES_FOR, 2500);
	FAILS(ioctl(fd, CREATE, id), ESHUTDOWN);
	MUST(!ioctl(fd, CREATE, id));
}

static void a_call_that_was_not_begun_is_made_again(void)
{
	int fd = node();
	uint64_t id[2];

	engine(fd, ENGINE_DROPS_AT_FRAME, 0);
	MUST(!ioctl(fd, CREATE, id));
}

static void a_call_that_was_begun_is_made_again_if_it_may(void)
{
	int fd = node();
	uint64_t id[2];
	char call[48] = "blksnap", info[40], file[] = "/var/tmp/blksnap-shim.XXXXXX";
	int disk = mkstemp(file);

	MUST(disk >= 0 && !unlink(file));
	engine(fd, ENGINE_DROPS_AT_FRAME, 1);
	MUST(version_is_there(fd));
	*(uint32_t *)(call + 32) = CTL_CBTINFO;
	*(uint32_t *)(call + 36) = sizeof(info);
	*(void **)(call + 40) = info;
	engine(fd, ENGINE_DROPS_AT_FRAME, 1);
	MUST(!ioctl(disk, CTL, call));
	engine(fd, ENGINE_DROPS_AT_FRAME, 1);
	FAILS(ioctl(fd, CREATE, id), ECONNRESET);
	engine(fd, ENGINE_DROPS_AT_FRAME, 1);
	FAILS(ioctl(disk, ATTACH, call), ECONNRESET);
}

static void an_engine_that_turns_away_says_why(void)
{
	int fd = node();
	char word[8];

	engine(fd, ENGINE_TURNS_AWAY, EAGAIN);
	FAILS(ioctl(fd, VERSION, word), EAGAIN);
	engine(fd, ENGINE_TURNS_AWAY, EPROTONOSUPPORT);
	FAILS(ioctl(fd, VERSION, word), EPROTONOSUPPORT);
}

static void the_end_of_a_program_is_seen(void)
{
	int fd = node();
	pid_t child = fork();

	if (!child) {
		struct wait wait = { .timeout = 60000 };

		ioctl(fd, WAIT, &wait);
		_exit(1);
	}
	while (!engine(fd, ENGINE_WAITS, 0))
		pause_ms(10);
	MUST(!kill(child, SIGKILL) && waitpid(child, NULL, 0) == child);
	while (engine(fd, ENGINE_WAITS, 0))
		pause_ms(10);
}

const struct probe probe_lives[] = {
	{ "a_copy_of_a_descriptor_is_one", a_copy_of_a_descriptor_is_one },
	{ "no_call_leaves_a_descriptor", no_call_leaves_a_descriptor },
	{ "a_child_calls_as_its_parent_does", a_child_calls_as_its_parent_does },
	{ "a_descriptor_outlives_exec", a_descriptor_outlives_exec },
	{ "threads_call_at_once", threads_call_at_once },
	{ "an_engine_that_goes_is_waited_for", an_engine_that_goes_is_waited_for },
	{ "an_engine_that_stays_away_is_told", an_engine_that_stays_away_is_told },
	{ "a_call_that_was_not_begun_is_made_again", a_call_that_was_not_begun_is_made_again },
	{ "a_call_that_was_begun_is_made_again_if_it_may", a_call_that_was_begun_is_made_again_if_it_may },
	{ "an_engine_that_turns_away_says_why", an_engine_that_turns_away_says_why },
	{ "the_end_of_a_program_is_seen", the_end_of_a_program_is_seen },
	{ 0 },
};

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program that knows nothing of the library: it opens the control node and
 * calls ioctl. The engine it meets is engine.py, whose own calls are below.
 */
#ifndef PROBE_H
#define PROBE_H

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define NODE "/dev/blksnap-control"

#define VERSION 0x40085600u
#define CREATE 0x40105601u
#define TAKE 0x80105604u
#define WAIT 0x50005606u
#define ATTACH 0xc020128cu
#define CTL 0xc030128eu
#define CTL_CBTINFO 0
#define CTL_CBTDIRTY 2

/* The engine's own calls; each takes a number of four bytes. */
#define ENGINE_DROPS_AT_FRAME 0x5650u	/* the next call loses its connection when so many frames were sent */
#define ENGINE_GOES_FOR 0x5651u		/* nobody listens for so many ms */
#define ENGINE_WAITS 0x5652u	/* answers how many programs wait for an event */
#define ENGINE_TURNS_AWAY 0x5653u	/* the next call gets this errno at once */
#define ENGINE_POSTS 0x5654u		/* so many events, numbered from 1 */

struct wait {
	char id[16];
	uint32_t timeout;
	uint32_t code;
	int64_t time;
	char data[4064];
};

/* A test that does not hold ends the program with what it was about. */
#define MUST(condition)                                                                    \
	do {                                                                               \
		if (!(condition)) {                                                        \
			fprintf(stderr, "%s:%d: is not so: %s (errno %s)\n", __FILE__, __LINE__, #condition, \
				strerrorname_np(errno));                                   \
			_exit(1);                                                          \
		}                                                                          \
	} while (0)

#define FAILS(call, error) MUST((errno = 0, (call) == -1) && errno == (error))

static inline int node(void)
{
	int fd = open(NODE, O_RDWR | O_CLOEXEC);

	MUST(fd >= 0);
	return fd;
}

static inline uint32_t engine(int fd, unsigned int call, uint32_t number)
{
	MUST(!ioctl(fd, call, &number));
	return number;
}

static inline bool version_is_there(int fd)
{
	uint16_t version[4] = { 0 };

	return !ioctl(fd, VERSION, version) && version[0] == 2 && !version[1];
}

static inline int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static inline void pause_ms(int ms)
{
	struct timespec left = { ms / 1000, ms % 1000 * 1000000l };

	while (nanosleep(&left, &left) && errno == EINTR)
		;
}

/* Descriptors that this program has. */
int descriptors(void);
/* Four pages of memory; behind them there are none. The address behind the last. */
char *edge(void);

struct probe {
	const char *name;
	void (*run)(void);
};

extern const struct probe probe_files[], probe_lives[], probe_signals[];

/* What an exec of this program does in place of a test. */
int probe_after_exec(char **arguments);

#endif

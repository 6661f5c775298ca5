/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules in force, and what they decide for one call.
 *
 * faultctl writes the rules as text into the control file, and then counts up the generation in the
 * control page, a small file that is mapped by everybody. So a call that no rule concerns costs two
 * loads: the generation, and what is known about its descriptor.
 *
 * A set of rules is immutable, replaced as a whole, and never freed: a call may still read it. The
 * bound is MOST_LOADS sets in the life of a process; later ones are not loaded.
 */
#ifndef BLKSNAP_FAULTS_RULES_H
#define BLKSNAP_FAULTS_RULES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Kinds of calls, a bit each. */
enum operation {
	OP_READ = 1,
	OP_WRITE = 2,
	OP_SYNC = 4,
	OP_ALLOCATE = 8,
	OP_TRUNCATE = 16,
	OP_OPEN = 32,
	OP_MAP = 64,
};
#define OP_CHANGES (OP_WRITE | OP_ALLOCATE | OP_TRUNCATE)

/* What goes down, and what the caller is told. */
struct verdict {
	size_t length; /* bytes that may go down; 0: the call is not made */
	int error;     /* told to the caller afterwards; 0: the truth */
	bool claim;    /* the caller is told that all of it was done */
	bool kill;     /* the process ends afterwards */
};

/* How far the clocks are off, in nanoseconds; read by clock.c. */
struct clocks {
	int64_t realtime;  /* added to the wall clock */
	int64_t monotonic; /* added to the clocks since boot */
	int64_t drift;     /* further nanoseconds a second of the wall clock */
	int64_t base;      /* CLOCK_MONOTONIC when the drift began */
};

/* The clocks as the rules set them, all zero where nothing is set. */
const struct clocks *clocks_in_force(void);

/* Whether a rule has something to say about this call; it has waited by then as long as told.
 * offset is -1 where the call has none. Keeps errno where it returns false. */
bool judge(int fd, unsigned int operation, size_t length, off_t offset, struct verdict *verdict);

/* The same of a name that is to be opened. */
bool judge_open(int directory, const char *path, int flags, struct verdict *verdict);

/* What the caller gets: done is what the real call returned for verdict->length bytes. */
ssize_t conclude(const struct verdict *verdict, size_t length, ssize_t done);

/* Nothing is known about this descriptor any more. */
void forget(int fd);

/* The next definition of a symbol behind this library, or the end of the process. */
void *next_symbol(const char *name);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules in force, and the clocks; verdict.h says what they decide for one call.
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

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define MOST_RULES 32

/* How far the clocks are off, in nanoseconds; read by clock.c. */
struct clocks {
	int64_t realtime;  /* added to the wall clock */
	int64_t monotonic; /* added to the clocks since boot */
	int64_t drift;     /* further nanoseconds a second of the wall clock */
	int64_t base;      /* CLOCK_MONOTONIC when the drift began */
};

enum action { DELAY, FAIL, TORN, STUCK, FULL, READONLY, GONE, KILL };

struct rule {
	char pattern[512];
	unsigned int operations;
	enum action action;
	unsigned int slot;
	unsigned long milliseconds;
	int error;
	uint64_t bytes;    /* TORN: of each call; FULL: in all */
	bool claim, kill;  /* TORN */
	uint64_t skip;     /* so many calls pass first */
	uint64_t count;    /* and so many are met; 0: all */
	double probability;
	off_t begin, end;  /* part of the file; end 0: all of it */
};

struct rules {
	uint32_t generation;
	unsigned int length;
	struct clocks clocks;
	struct rule rule[MOST_RULES];
};

/* The control page; faultctl knows the same offsets. */
struct page {
	_Atomic uint64_t generation;
	_Atomic uint64_t loaded; /* the last generation that some process has loaded */
	uint64_t unused[6];
	struct slot {
		_Atomic uint64_t calls;  /* that matched */
		_Atomic uint64_t met;    /* of these, treated */
		_Atomic uint64_t bytes;  /* FULL: let through */
		_Atomic int64_t waiting; /* in it now */
	} slot[MOST_RULES];
};
_Static_assert(sizeof(struct page) <= 4096, "the control page is one page");

/* The rules as the control file says now. */
const struct rules *rules_in_force(void);

/* The control page; only where there are rules. */
struct page *control_page(void);

/* The clocks as the rules set them, all zero where nothing is set. */
const struct clocks *clocks_in_force(void);

/* Which rules match the name, and the name behind a descriptor, a bit each. */
uint32_t matching(const struct rules *rules, const char *path);
uint32_t matching_descriptor(const struct rules *rules, int fd);

/* The name behind a descriptor; what was unlinked keeps the name it had. */
bool name_of(int fd, char *path, size_t size);

/* Nothing is known about this descriptor any more. */
void forget(int fd);

/* The next definition of a symbol behind this library, or the end of the process. */
void *next_symbol(const char *name);

#endif

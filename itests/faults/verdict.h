/* SPDX-License-Identifier: Apache-2.0 */
/* What the rules decide for one call, and how it is carried out. */
#ifndef BLKSNAP_FAULTS_VERDICT_H
#define BLKSNAP_FAULTS_VERDICT_H

#include <stdbool.h>
#include <sys/types.h>

/* Kinds of calls, a bit each; faultctl knows the same. */
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

/* Whether a rule has something to say about this call; it has waited by then as long as told.
 * offset is -1 where the call has none. Keeps errno. */
bool judge(int fd, unsigned int operation, size_t length, off_t offset, struct verdict *verdict);

/* The same of a name that is to be opened. */
bool judge_open(int directory, const char *path, int flags, struct verdict *verdict);

/* What the caller gets: done is what the real call returned for verdict->length bytes. */
ssize_t conclude(const struct verdict *verdict, size_t length, ssize_t done);

#endif

// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "verdict.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "rules.h"

/* How often one who is stuck looks whether he still is. */
#define LOOK_NANOS 5000000L

static bool by_chance(double probability)
{
	static _Thread_local unsigned int seed;

	if (probability >= 1)
		return true;
	if (seed == 0)
		seed = (unsigned int)gettid() * 2654435761u | 1;
	return rand_r(&seed) < probability * RAND_MAX;
}

/* Whether the rule meets this call. */
static bool meets(const struct rule *rule, unsigned int operation, size_t length, off_t offset)
{
	if ((rule->operations & operation) == 0)
		return false;
	if (rule->end != 0 && (offset < 0 || offset >= rule->end || offset + (off_t)length <= rule->begin))
		return false;
	struct slot *slot = &control_page()->slot[rule->slot];
	if (atomic_fetch_add(&slot->calls, 1) < rule->skip || !by_chance(rule->probability))
		return false;
	uint64_t before = atomic_fetch_add(&slot->met, 1);
	if (rule->count != 0 && before >= rule->count) {
		atomic_fetch_sub(&slot->met, 1);
		return false;
	}
	return true;
}

static void sleep_for(unsigned long milliseconds)
{
	struct timespec left = {(time_t)(milliseconds / 1000), (long)(milliseconds % 1000) * 1000000};

	while (nanosleep(&left, &left) != 0 && errno == EINTR)
		;
}

/* As long as a rule of this slot still says stuck. */
static void wait_until_released(unsigned int slot)
{
	const struct timespec look = {0, LOOK_NANOS};
	bool stuck = true;

	while (stuck) {
		nanosleep(&look, NULL);
		const struct rules *rules = rules_in_force();
		stuck = false;
		for (unsigned int i = 0; i < rules->length; i++)
			stuck |= rules->rule[i].slot == slot && rules->rule[i].action == STUCK;
	}
}

static void apply(const struct rule *rule, unsigned int operation, size_t length, bool changes, struct verdict *verdict)
{
	struct slot *slot = &control_page()->slot[rule->slot];

	switch (rule->action) {
	case DELAY:
	case STUCK:
		atomic_fetch_add(&slot->waiting, 1);
		if (rule->action == DELAY)
			sleep_for(rule->milliseconds);
		else
			wait_until_released(rule->slot);
		atomic_fetch_sub(&slot->waiting, 1);
		break;
	case FAIL:
		*verdict = (struct verdict){0, rule->error, false, false};
		break;
	case TORN:
		*verdict = (struct verdict){rule->bytes < length ? rule->bytes : length, rule->error, rule->claim, rule->kill};
		break;
	case FULL:
		if (operation & (OP_WRITE | OP_ALLOCATE)) {
			uint64_t before = atomic_fetch_add(&slot->bytes, length);
			uint64_t room = before < rule->bytes ? rule->bytes - before : 0;
			if (room < length)
				*verdict = (struct verdict){operation == OP_WRITE ? room : 0, room != 0 && operation == OP_WRITE ? 0 : ENOSPC, false, false};
		}
		break;
	case READONLY:
		if (changes)
			*verdict = (struct verdict){0, EROFS, false, false};
		break;
	case GONE:
		*verdict = (struct verdict){0, operation == OP_OPEN ? ENXIO : EIO, false, false};
		break;
	case KILL:
		*verdict = (struct verdict){0, EIO, false, true};
		break;
	}
}

static bool decide(const struct rules *rules, uint32_t matched, unsigned int operation, size_t length, off_t offset,
	bool changes, struct verdict *verdict)
{
	int saved = errno;
	bool met = false;

	*verdict = (struct verdict){length, 0, false, false};
	for (unsigned int i = 0; i < rules->length; i++) {
		if ((matched >> i & 1) == 0 || !meets(&rules->rule[i], operation, length, offset))
			continue;
		apply(&rules->rule[i], operation, length, changes, verdict);
		met = true;
	}
	if (verdict->kill && verdict->length == 0)
		kill(getpid(), SIGKILL);
	errno = saved;
	return met;
}

bool judge(int fd, unsigned int operation, size_t length, off_t offset, struct verdict *verdict)
{
	const struct rules *rules = rules_in_force();

	if (rules->length == 0)
		return false;
	int saved = errno;
	uint32_t matched = matching_descriptor(rules, fd);
	errno = saved;
	return matched != 0 && decide(rules, matched, operation, length, offset, (operation & OP_CHANGES) != 0, verdict);
}

bool judge_open(int directory, const char *path, int flags, struct verdict *verdict)
{
	const struct rules *rules = rules_in_force();
	char whole[2 * PATH_MAX], folder[PATH_MAX];

	if (rules->length == 0)
		return false;
	int saved = errno;
	if (path[0] != '/') {
		bool named = directory == AT_FDCWD ? getcwd(folder, sizeof(folder)) != NULL : name_of(directory, folder, sizeof(folder));
		if (!named)
			folder[0] = '\0';
		snprintf(whole, sizeof(whole), "%s/%s", folder, path);
		path = whole;
	}
	uint32_t matched = matching(rules, path);
	errno = saved;
	bool changes = (flags & O_ACCMODE) != O_RDONLY || (flags & O_TRUNC) != 0;
	return matched != 0 && decide(rules, matched, OP_OPEN, 1, -1, changes, verdict);
}

ssize_t conclude(const struct verdict *verdict, size_t length, ssize_t done)
{
	if (verdict->kill)
		kill(getpid(), SIGKILL);
	if (done < 0)
		return done;
	if (verdict->error != 0) {
		errno = verdict->error;
		return -1;
	}
	return verdict->claim ? (ssize_t)length : done;
}

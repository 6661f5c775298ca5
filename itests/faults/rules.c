// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "rules.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MOST_TEXT 65536
#define MOST_LOADS 100000
#define MOST_DESCRIPTORS 65536

/* Longest wait for another thread that reads the rules, milliseconds. */
#define MOST_MOMENTS 1000

static struct rules none;
static _Atomic(struct rules *) current = &none;
static struct page *page;
static char control[PATH_MAX];
static atomic_flag loading = ATOMIC_FLAG_INIT;
static unsigned int loads;
/* Of each descriptor: generation of the rules (high half), and which of them match its name. */
static _Atomic uint64_t known[MOST_DESCRIPTORS];

static void give_up(const char *what, const char *which)
{
	dprintf(2, "faults: %s \"%s\"\n", what, which);
	_exit(98);
}

/* Value of " key=" in a line, copied; false where it is not there. Values have no blanks but as %20. */
static bool value_of(const char *line, const char *key, char *value, size_t size)
{
	const char *at = line;
	size_t length = strlen(key);

	while ((at = strstr(at, key)) != NULL && !((at == line || at[-1] == ' ') && at[length] == '='))
		at += length;
	if (at == NULL)
		return false;
	at += length + 1;
	size_t i = 0;
	for (; *at != '\0' && *at != ' '; i++) {
		if (i + 1 >= size)
			give_up("value too long in", line);
		if (strncmp(at, "%20", 3) == 0) {
			value[i] = ' ';
			at += 3;
		} else {
			value[i] = *at++;
		}
	}
	value[i] = '\0';
	return true;
}

static int64_t number_of(const char *line, const char *key, int64_t otherwise)
{
	char text[32], *end;

	if (!value_of(line, key, text, sizeof(text)))
		return otherwise;
	int64_t number = strtoll(text, &end, 10);
	if (*end != '\0' || end == text)
		give_up("not a number in", line);
	return number;
}

static void parse_rule(const char *line, struct rule *rule)
{
	static const char *const actions[] = {"delay", "fail", "torn", "stuck", "full", "readonly", "gone", "kill"};
	char text[64];
	unsigned int action;

	memset(rule, 0, sizeof(*rule));
	if (!value_of(line, "path", rule->pattern, sizeof(rule->pattern)) || !value_of(line, "do", text, sizeof(text)))
		give_up("neither path nor action in", line);
	for (action = 0; action < sizeof(actions) / sizeof(*actions) && strcmp(text, actions[action]) != 0; action++)
		;
	if (action > KILL)
		give_up("unknown action in", line);
	rule->action = (enum action)action;
	rule->operations = (unsigned int)number_of(line, "operations", 0);
	rule->slot = (unsigned int)number_of(line, "slot", 0) % MOST_RULES;
	rule->milliseconds = (unsigned long)number_of(line, "ms", 0);
	rule->error = (int)number_of(line, "errno", 0);
	rule->bytes = (uint64_t)number_of(line, "bytes", 0);
	rule->claim = number_of(line, "claim", 0) != 0;
	rule->kill = number_of(line, "kill", 0) != 0;
	rule->skip = (uint64_t)number_of(line, "skip", 0);
	rule->count = (uint64_t)number_of(line, "count", 0);
	rule->probability = (double)number_of(line, "permille", 1000) / 1000;
	rule->begin = number_of(line, "begin", 0);
	rule->end = number_of(line, "end", 0);
}

static void parse(char *text, struct rules *rules)
{
	char *rest = text, *line;

	while ((line = strsep(&rest, "\n")) != NULL) {
		if (strncmp(line, "clock ", 6) == 0) {
			rules->clocks.realtime = number_of(line, "realtime", 0);
			rules->clocks.monotonic = number_of(line, "monotonic", 0);
			rules->clocks.drift = number_of(line, "drift", 0);
			rules->clocks.base = number_of(line, "base", 0);
		} else if (strncmp(line, "rule ", 5) == 0) {
			if (rules->length == MOST_RULES)
				give_up("too many rules at", line);
			parse_rule(line, &rules->rule[rules->length++]);
		} else if (*line != '\0' && *line != '#') {
			give_up("not understood:", line);
		}
	}
}

static bool in_force(uint64_t generation)
{
	return atomic_load_explicit(&current, memory_order_acquire)->generation == (uint32_t)generation;
}

/*
 * Raw calls and mapped memory alone: this may be the first call of a process, and any thread's. A thread that finds another
 * one loading waits for it, since it would go by the old rules; not for ever, since in a forked child that other is not there.
 */
static void load(uint64_t generation)
{
	static char text[MOST_TEXT];
	static __thread bool here;
	static const struct timespec moment = {0, 1000000};
	ssize_t length = 0, got;
	int saved = errno;

	if (here)
		return;
	for (int moments = 0; atomic_flag_test_and_set(&loading); moments++) {
		if (in_force(generation) || moments == MOST_MOMENTS) {
			errno = saved;
			return;
		}
		syscall(SYS_nanosleep, &moment, NULL);
	}
	if (in_force(generation)) {
		atomic_flag_clear(&loading);
		return;
	}
	here = true;
	int fd = (int)syscall(SYS_openat, AT_FDCWD, control, O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && loads++ < MOST_LOADS) {
		while (length < MOST_TEXT - 1 && (got = syscall(SYS_read, fd, text + length, MOST_TEXT - 1 - length)) > 0)
			length += got;
		text[length] = '\0';
		struct rules *next = mmap(NULL, sizeof(*next), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (next != MAP_FAILED) {
			next->generation = (uint32_t)generation;
			parse(text, next);
			atomic_store(&current, next);
			atomic_store(&page->loaded, generation);
		}
	}
	if (fd >= 0)
		syscall(SYS_close, fd);
	here = false;
	atomic_flag_clear(&loading);
	errno = saved;
}

const struct rules *rules_in_force(void)
{
	if (page == NULL)
		return &none;
	uint64_t generation = atomic_load_explicit(&page->generation, memory_order_acquire);
	const struct rules *rules = atomic_load_explicit(&current, memory_order_acquire);
	if ((uint32_t)generation == rules->generation)
		return rules;
	load(generation);
	return atomic_load_explicit(&current, memory_order_acquire);
}

struct page *control_page(void)
{
	return page;
}

const struct clocks *clocks_in_force(void)
{
	return &rules_in_force()->clocks;
}

uint32_t matching(const struct rules *rules, const char *path)
{
	uint32_t found = 0;

	for (unsigned int i = 0; i < rules->length; i++)
		if (fnmatch(rules->rule[i].pattern, path, 0) == 0)
			found |= UINT32_C(1) << i;
	return found;
}

bool name_of(int fd, char *path, size_t size)
{
	char link[64];

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	ssize_t length = readlink(link, path, size - 1);
	if (length < 0)
		return false;
	path[length] = '\0';
	static const char gone[] = " (deleted)";
	size_t tail = sizeof(gone) - 1;
	if ((size_t)length > tail && strcmp(path + length - tail, gone) == 0)
		path[(size_t)length - tail] = '\0';
	return true;
}

uint32_t matching_descriptor(const struct rules *rules, int fd)
{
	char path[PATH_MAX];

	if (fd < 0 || fd >= MOST_DESCRIPTORS)
		return 0;
	uint64_t seen = atomic_load_explicit(&known[fd], memory_order_relaxed);
	if (seen >> 32 == rules->generation && seen != 0)
		return (uint32_t)seen;
	uint32_t found = name_of(fd, path, sizeof(path)) ? matching(rules, path) : 0;
	atomic_store_explicit(&known[fd], (uint64_t)rules->generation << 32 | found, memory_order_relaxed);
	return found;
}

void forget(int fd)
{
	if (fd >= 0 && fd < MOST_DESCRIPTORS)
		atomic_store_explicit(&known[fd], 0, memory_order_relaxed);
}

/* In force in the programs BLKSNAP_FAULTS_PROGRAMS names (java), with BLKSNAP_FAULTS as control file. */
__attribute__((constructor)) static void begin(void)
{
	const char *name = getenv("BLKSNAP_FAULTS"), *programs = getenv("BLKSNAP_FAULTS_PROGRAMS");
	char path[PATH_MAX], self[PATH_MAX], wanted[256], ours[300];

	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);
	if (name == NULL || *name == '\0' || length < 0)
		return;
	self[length] = '\0';
	snprintf(wanted, sizeof(wanted), ",%s,", programs != NULL ? programs : "java");
	snprintf(ours, sizeof(ours), ",%.255s,", strrchr(self, '/') + 1);
	if (strstr(wanted, ours) == NULL)
		return;
	if ((size_t)snprintf(path, sizeof(path), "%s.page", name) >= sizeof(path))
		give_up("name too long:", name);
	strcpy(control, name);
	int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		give_up("no control page, make it with faultctl init:", path);
	void *mapped = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	syscall(SYS_close, fd);
	if (mapped == MAP_FAILED)
		give_up("cannot map", path);
	page = mapped;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * What a flush promises, looked at from below: the device is a dm-log-writes
 * target, which logs a write only when a later flush (or the write's own FUA)
 * made it safe. Each round writes a sector and makes it safe, then puts a mark
 * into the log; the log must have the write before the mark.
 *
 *   flushes DEVICE DM-NAME LOG ROUNDS
 *
 * The log, in units of its sector size: a header (magic, version, entries 8
 * bytes each, sector size 4), then entries (sector, sectors, flags, bytes of a
 * mark's text, 8 bytes each, text after them), each followed by its data.
 */
#include <inttypes.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "calls.h"
#include "sectors.h"

#define LOG_MAGIC 0x6a736677736872ull
#define LOG_DISCARD 4
#define LOG_MARK 8
#define UNIT 8
#define APART 1024 /* sectors between two rounds' writes */

static void mark(const char *name, int round)
{
	char text[32];
	int status;
	pid_t child;

	snprintf(text, sizeof(text), "%d", round);
	child = fork();
	if (!child) {
		execlp("dmsetup", "dmsetup", "message", name, "0", "mark", text, NULL);
		_exit(127);
	}
	waitpid(child, &status, 0);
	if (status)
		die("dmsetup message: %#x", status);
}

int main(int argc, char **argv)
{
	char *buffer = aligned(UNIT * SECTOR), *entry = aligned(4096);
	struct iovec vector = { buffer, UNIT * SECTOR };
	int device, log, rounds, round, i, marks = 0;
	uint64_t entries, n, at, size;
	uint8_t *seen;

	if (argc != 5)
		die("usage: flushes DEVICE DM-NAME LOG ROUNDS");
	device = opened(argv[1], O_RDWR | O_DIRECT);
	rounds = atoi(argv[4]);
	seen = calloc(1, rounds);
	for (round = 0; round < rounds; round++) {
		uint64_t sector = round * APART;

		for (i = 0; i < UNIT; i++)
			sector_fill(buffer + i * SECTOR, sector + i, 2, 0);
		if (pwritev2(device, &vector, 1, sector * SECTOR, round % 2 ? RWF_DSYNC : 0) != UNIT * SECTOR)
			die("write: %s", errno_name(errno));
		if (round % 2 == 0 && fdatasync(device))
			die("fdatasync: %s", errno_name(errno));
		mark(argv[2], round);
	}

	log = opened(argv[3], O_RDONLY);
	if (pread(log, entry, SECTOR, 0) != SECTOR || get64(entry, 0) != LOG_MAGIC)
		die("%s holds no log", argv[3]);
	entries = get64(entry, 16);
	size = get32(entry, 24);
	for (n = 0, at = 1; n < entries; n++) {
		uint64_t sector, sectors, flags;

		if (pread(log, entry, size, at * size) != (ssize_t)size)
			die("log entry %" PRIu64 ": %s", n, errno_name(errno));
		sector = get64(entry, 0);
		sectors = get64(entry, 8);
		flags = get64(entry, 16);
		at++;
		if (flags & LOG_MARK) {
			round = atoi(entry + 32);
			marks++;
			if (!seen[round])
				die("round %d: its write (%s) was not safe when it was said to be", round,
				    round % 2 ? "RWF_DSYNC" : "fdatasync");
			continue;
		}
		if (flags & LOG_DISCARD)
			continue;
		for (round = 0; round < rounds; round++)
			if (sector <= round * (uint64_t)APART && sector + sectors > round * (uint64_t)APART)
				seen[round] = 1;
		at += sectors;
	}
	if (marks != rounds)
		die("%d marks in the log, not %d", marks, rounds);
	printf("%d rounds, %" PRIu64 " log entries\n", rounds, entries);
	return 0;
}

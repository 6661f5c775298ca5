// SPDX-License-Identifier: GPL-2.0
/*
 * Writes and checks sectors that can be told (sectors.h), past the page cache.
 *
 *   sectors fill DEVICE FIRST COUNT SEQUENCE [TAG]     in requests of up to 256 KiB
 *   sectors check DEVICE FIRST COUNT SEQUENCE [TAG]    every sector has that sequence; 0: zeroes
 *   sectors zero|discard DEVICE FIRST COUNT
 *   sectors size DEVICE                                 sectors of the device
 */
#include <inttypes.h>
#include <linux/fs.h>

#include "calls.h"
#include "sectors.h"

#define BATCH 512

int main(int argc, char **argv)
{
	const char *command = argc > 2 ? argv[1] : "";
	int check = !strcmp(command, "check"), fill = !strcmp(command, "fill");
	uint64_t first, count, sequence, tag, number, bad = 0;
	char *buffer = aligned(BATCH * SECTOR);
	int fd;

	if (!strcmp(command, "size")) {
		uint64_t bytes = 0;

		if (ioctl(opened(argv[2], O_RDONLY), BLKGETSIZE64, &bytes))
			die("size of %s: %s", argv[2], errno_name(errno));
		printf("%" PRIu64 "\n", bytes / SECTOR);
		return 0;
	}
	if (argc < (check || fill ? 6 : 5))
		die("usage: sectors fill|check|zero|discard DEVICE FIRST COUNT [SEQUENCE [TAG]]");
	first = strtoull(argv[3], NULL, 0);
	count = strtoull(argv[4], NULL, 0);
	sequence = argc > 5 ? strtoull(argv[5], NULL, 0) : 0;
	tag = argc > 6 ? strtoull(argv[6], NULL, 0) : 0;
	fd = opened(argv[2], (check ? O_RDONLY : O_RDWR) | O_DIRECT);

	if (!check && !fill) {
		uint64_t range[2] = { first * SECTOR, count * SECTOR };

		if (ioctl(fd, strcmp(command, "zero") ? BLKDISCARD : BLKZEROOUT, range))
			die("%s of %s: %s", command, argv[2], errno_name(errno));
		return 0;
	}
	for (number = first; number < first + count;) {
		uint64_t batch = first + count - number, i;
		ssize_t moved;

		if (batch > BATCH)
			batch = BATCH;
		for (i = 0; fill && i < batch; i++)
			sector_fill(buffer + i * SECTOR, number + i, sequence, tag);
		moved = fill ? pwrite(fd, buffer, batch * SECTOR, number * SECTOR) :
			       pread(fd, buffer, batch * SECTOR, number * SECTOR);
		if (moved != (ssize_t)(batch * SECTOR))
			die("%s of %s at sector %" PRIu64 ": %s", command, argv[2], number,
			    moved < 0 ? errno_name(errno) : "short");
		for (i = 0; check && i < batch; i++) {
			uint64_t found_tag = 0;
			int64_t found = sector_sequence(buffer + i * SECTOR, number + i, &found_tag);

			if (found == (int64_t)sequence && (!found || found_tag == tag))
				continue;
			if (bad++ < 5)
				fprintf(stderr, "%s sector %" PRIu64 ": sequence %" PRId64 " tag %" PRIu64
					", not %" PRIu64 " tag %" PRIu64 "%s\n", argv[2], number + i, found,
					found_tag, sequence, tag, found == SECTOR_TORN ? " (torn)" :
					found == SECTOR_FOREIGN ? " (foreign)" : "");
		}
		number += batch;
	}
	if (bad)
		die("%s: %" PRIu64 " of %" PRIu64 " sectors are wrong", argv[2], bad, count);
	return 0;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * What torture does with the images: reads, writes, and a backup by the map.
 */
#include <inttypes.h>

#include "torture.h"

#define BATCH 512
#define IMAGE_TAG (1ull << 40)

/* What a sector of an image holds: sequence, with the mark of image writes. */
static uint64_t told(const struct disk *disk, const char *at, uint64_t sector)
{
	uint64_t tag = 0;
	int64_t found = sector_sequence(at, sector, &tag);

	if (found < 0)
		die("seed %" PRIu64 ": image of %s sector %" PRIu64 " is %s", seed, disk->path, sector,
		    found == SECTOR_TORN ? "torn" : "not of this sector");
	return found | (found && tag == IMAGE_TAG ? IMAGE_TAG : 0);
}

static int in_window(uint64_t value, uint64_t low, uint64_t high)
{
	uint64_t n;

	if (value)
		return value >= low && value <= high && !ZEROING(value);
	for (n = low; n <= high && n < low + 16; n++)
		if (!n || ZEROING(n))
			return 1;
	return high - low >= 16;
}

void read_image(struct disk *disk, int image, int first, const char *when)
{
	char *buffer = aligned(BATCH * SECTOR);
	uint64_t place, count, i;

	for (place = 0; place < disk->region; place += count) {
		uint64_t sector = sector_of(disk, place);

		count = disk->region - place < BATCH ? disk->region - place : BATCH;
		if (place < disk->region / 2 && place + count > disk->region / 2)
			count = disk->region / 2 - place;
		move_all(image, 0, buffer, sector, count, "image read");
		for (i = 0; i < count; i++) {
			uint64_t found = told(disk, buffer + i * SECTOR, sector + i);

			if (first) {
				if (!in_window(found, disk->low[place + i], disk->high[place + i]))
					die("seed %" PRIu64 ": image of %s sector %" PRIu64 " has sequence %" PRIu64
					    ", the take was between %u and %u", seed, disk->path, sector + i, found,
					    disk->low[place + i], disk->high[place + i]);
				disk->view[place + i] = disk->taken[place + i] = found;
			} else if (found != disk->view[place + i]) {
				die("seed %" PRIu64 ": %s: image of %s sector %" PRIu64 " has %#" PRIx64 ", had %#" PRIx64,
				    seed, when, disk->path, sector + i, found, disk->view[place + i]);
			}
		}
	}
	free(buffer);
}

void use_image(struct disk *disk, int image, struct dice *dice, uint32_t *sequence)
{
	char *buffer = aligned(LONGEST * SECTOR);
	uint64_t place, count, sector, i;

	choose(disk, dice, 0, disk->region, &place, &count);
	sector = sector_of(disk, place);
	if (below(dice, 3)) {
		move_all(image, 0, buffer, sector, count, "image read");
		for (i = 0; i < count; i++)
			if (told(disk, buffer + i * SECTOR, sector + i) != disk->view[place + i])
				die("seed %" PRIu64 ": image of %s sector %" PRIu64 " has %#" PRIx64 ", had %#" PRIx64, seed,
				    disk->path, sector + i, told(disk, buffer + i * SECTOR, sector + i),
				    disk->view[place + i]);
	} else {
		(*sequence)++;
		for (i = 0; i < count; i++) {
			sector_fill(buffer + i * SECTOR, sector + i, *sequence, IMAGE_TAG);
			disk->view[place + i] = *sequence | IMAGE_TAG;
		}
		move_all(image, 1, buffer, sector, count, "image write");
	}
	free(buffer);
}

void check_map(struct disk *disk)
{
	char info[SIZE_CBTINFO] = { 0 };
	uint8_t *map;
	uint64_t place;
	int error = filter_cbtinfo(disk->fd, info);

	if (error)
		die("cbtinfo: %s", errno_name(error));
	disk->block_size = get32(info, 8);
	map = malloc(get32(info, 12));
	error = filter_cbtmap(disk->fd, 0, get32(info, 12), map);
	if (error)
		die("cbtmap: %s", errno_name(error));
	for (place = 0; disk->has_backup && place < disk->region; place++) {
		uint64_t sector = sector_of(disk, place);

		if (disk->taken[place] != disk->backup[place] && map[sector * SECTOR / disk->block_size] <= disk->number)
			die("seed %" PRIu64 ": %s sector %" PRIu64 " changed since take %u, its block says %u", seed,
			    disk->path, sector, disk->number, map[sector * SECTOR / disk->block_size]);
	}
	memcpy(disk->backup, disk->taken, disk->region * sizeof(*disk->backup));
	disk->number = (uint8_t)info[32];
	disk->has_backup = 1;
	free(map);
}

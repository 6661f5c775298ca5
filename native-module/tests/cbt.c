// SPDX-License-Identifier: GPL-2.0
/*
 * Change tracking against an oracle: random writes, discards, zeroes, marks,
 * image writes and flushes on an attached device nobody else writes to, takes
 * in between, and after every take the whole readable map compared byte by
 * byte, with its number and generation.
 *
 *   cbt DEVICE STORAGE TAKES OPERATIONS SEED
 *
 * TAKES beyond 255 pass the wrap of the number.
 */
#include <inttypes.h>
#include <linux/fs.h>

#include "calls.h"
#include "sectors.h"

#define LONGEST 2048 /* sectors a write */

static int device;
static uint64_t capacity;
static uint32_t block_size, block_count, logical;
static uint8_t *present, *readable, *found;
static unsigned int active = 1, previous;
static uint8_t generation[SIZE_UUID];
static struct dice dice;
static char *buffer;

static void mark(uint8_t *map, uint64_t first, uint64_t count, unsigned int value)
{
	uint64_t block, last = (first + count - 1) * SECTOR / block_size;

	for (block = first * SECTOR / block_size; block <= last; block++)
		if (map[block] < value)
			map[block] = value;
}

static void mark_both(uint64_t first, uint64_t count)
{
	mark(present, first, count, active);
	mark(readable, first, count, previous);
}

static void look(const char *when)
{
	char info[SIZE_CBTINFO] = { 0 };
	int error = filter_cbtinfo(device, info);
	uint32_t i;

	if (error)
		die("%s: cbtinfo: %s", when, errno_name(error));
	if (get64(info, 0) != capacity || get32(info, 8) != block_size || get32(info, 12) != block_count)
		die("%s: cbtinfo says capacity %" PRIu64 ", block size %u, blocks %u", when, get64(info, 0),
		    get32(info, 8), get32(info, 12));
	if ((uint8_t)info[32] != previous)
		die("%s: changes_number is %u, not %u", when, (uint8_t)info[32], previous);
	if (memcmp(info + 16, generation, SIZE_UUID))
		die("%s: the generation changed at number %u", when, previous);
	memset(found, 0xee, block_count + 64);
	error = filter_cbtmap(device, 0, block_count, found);
	if (error)
		die("%s: cbtmap: %s", when, errno_name(error));
	for (i = 0; i < block_count; i++)
		if (found[i] != readable[i])
			die("%s: block %u has number %u, not %u (previous %u)", when, i, found[i], readable[i], previous);
	for (i = block_count; i < block_count + 64; i++)
		if (found[i] != 0xee)
			die("%s: cbtmap wrote %u bytes past the map", when, i - block_count + 1);
}

/* A random range: often one sector, around a block's edge, at either end of the device. */
static void choose(uint64_t *first, uint64_t *count, uint64_t longest)
{
	uint64_t sectors = capacity / SECTOR, unit = logical / SECTOR, edge;

	*count = below(&dice, 3) ? 1 + below(&dice, 16) : 1 + below(&dice, longest);
	*count = (*count + unit - 1) / unit * unit;
	switch (below(&dice, 8)) {
	case 0:
		*first = 0;
		break;
	case 1:
		*first = sectors - *count;
		break;
	case 2:
	case 3:
		edge = below(&dice, block_count) * (block_size / SECTOR);
		*first = edge > *count ? edge - below(&dice, *count + 1) : 0;
		break;
	default:
		*first = below(&dice, sectors);
	}
	*first = *first / unit * unit;
	if (*first + *count > sectors)
		*first = (sectors - *count) / unit * unit;
}

static void operation(int image)
{
	uint64_t first, count, range[2];
	char sectors[4 * 16];
	uint32_t i, ranges;

	choose(&first, &count, LONGEST);
	range[0] = first * SECTOR;
	range[1] = count * SECTOR;
	switch (below(&dice, 12)) {
	case 0:
		if (ioctl(device, BLKDISCARD, range) && errno != EOPNOTSUPP)
			die("discard: %s", errno_name(errno));
		mark(present, first, count, active);
		break;
	case 1:
		if (ioctl(device, BLKZEROOUT, range))
			die("zeroes: %s", errno_name(errno));
		mark(present, first, count, active);
		break;
	case 2:
		if (fdatasync(device))
			die("flush: %s", errno_name(errno));
		break;
	case 3:
		ranges = 1 + below(&dice, 4);
		for (i = 0; i < ranges; i++) {
			choose(&first, &count, LONGEST);
			put64(sectors, 16 * i, first);
			put64(sectors, 16 * i + 8, count);
			mark_both(first, count);
		}
		if (filter_cbtdirty(device, sectors, ranges))
			die("cbtdirty of %u ranges was refused", ranges);
		break;
	case 4:
	case 5:
		if (image < 0)
			break;
		choose(&first, &count, 64);
		if (pwrite(image, buffer, count * SECTOR, first * SECTOR) != (ssize_t)(count * SECTOR))
			die("image write of %" PRIu64 ":%" PRIu64 ": %s", first, count, errno_name(errno));
		mark_both(first, count);
		break;
	case 6:
		if (pread(device, buffer, count * SECTOR, first * SECTOR) != (ssize_t)(count * SECTOR))
			die("read: %s", errno_name(errno));
		break;
	default:
		if (pwrite(device, buffer, count * SECTOR, first * SECTOR) != (ssize_t)(count * SECTOR))
			die("write: %s", errno_name(errno));
		mark(present, first, count, active);
	}
}

int main(int argc, char **argv)
{
	char info[SIZE_CBTINFO] = { 0 };
	uint64_t storage = 0;
	int takes, operations, t, i, error;

	if (argc != 6)
		die("usage: cbt DEVICE STORAGE TAKES OPERATIONS SEED");
	takes = atoi(argv[3]);
	operations = atoi(argv[4]);
	dice.state = strtoull(argv[5], NULL, 0);
	device = opened(argv[1], O_RDWR | O_DIRECT);
	i = opened(argv[2], O_RDONLY);
	if (ioctl(i, BLKGETSIZE64, &storage) || ioctl(device, BLKSSZGET, &logical))
		die("size: %s", errno_name(errno));
	close(i);
	buffer = aligned(LONGEST * SECTOR);

	error = filter_cbtinfo(device, info);
	if (error)
		die("cbtinfo: %s", errno_name(error));
	capacity = get64(info, 0);
	block_size = get32(info, 8);
	block_count = get32(info, 12);
	memcpy(generation, info + 16, SIZE_UUID);
	present = calloc(1, block_count);
	readable = calloc(1, block_count);
	found = malloc(block_count + 64);
	look("before the first write");

	for (t = 1; t <= takes; t++) {
		uint8_t id[SIZE_UUID];
		int image = -1;

		for (i = 0; i < operations; i++)
			operation(-1);
		error = snap_create(id);
		if (!error)
			error = snap_append_one(id, argv[2], 0, storage / SECTOR);
		if (!error)
			error = filter_add(device, id);
		if (!error)
			error = snap_take(id);
		if (error)
			die("take %d: %s", t, errno_name(error));
		if (active == 255) {
			memset(present, 0, block_count);
			memset(readable, 0, block_count);
			active = 1;
			previous = 0;
			filter_cbtinfo(device, info);
			if (!memcmp(info + 16, generation, SIZE_UUID))
				die("take %d: the number wrapped, the generation did not change", t);
			memcpy(generation, info + 16, SIZE_UUID);
		} else {
			memcpy(readable, present, block_count);
			previous = active++;
		}
		look("after the take");
		if (t % 3 == 0)
			image = opened_image(device, O_RDWR | O_DIRECT);
		for (i = 0; i < operations; i++)
			operation(image);
		look("while held");
		if (image >= 0)
			close(image);
		error = snap_destroy(id);
		if (error)
			die("destroy %d: %s", t, errno_name(error));
		look("after the destroy");
	}
	printf("%d takes, %u blocks of %u bytes: the map is exact\n", takes, block_count, block_size);
	return 0;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * One instant for all devices. Each writer writes numbers 1, 2, 3… in turn to
 * device 1, 2, … D, 1, …, each after the one before was acknowledged, each to
 * a sector of its own. A snapshot taken meanwhile must hold a beginning of
 * every writer's sequence without gaps: every number up to some k, none
 * beyond.
 *
 *   sequence STORAGE TAKES WRITERS DEVICE…
 *
 * A device written as +DEVICE is in the snapshot, but no writer's: what makes
 * it slow makes the take long for the others.
 */
#include <inttypes.h>
#include <linux/fs.h>
#include <pthread.h>
#include <stdatomic.h>

#include "calls.h"
#include "sectors.h"

#define WRITERS_MAXIMUM 16
#define DEVICES_MAXIMUM 16
#define BATCH 512

static int devices[DEVICES_MAXIMUM], device_count, writer_count;
static int members[DEVICES_MAXIMUM], member_count; /* devices, and those without writers */
static uint64_t unit, slots; /* sectors a slot; slots a writer has on each device */
static atomic_ulong acknowledged[WRITERS_MAXIMUM];
static atomic_int over;

/* The first sector of a writer's slot. */
static uint64_t place(int writer, uint64_t slot)
{
	return (writer * slots + slot) * unit;
}

static void *write_all(void *argument)
{
	int writer = (intptr_t)argument;
	char *buffer = aligned(unit * SECTOR);
	uint64_t n, i;

	for (n = 0; !atomic_load(&over) && n < slots * device_count; n++) {
		uint64_t at = place(writer, n / device_count);

		for (i = 0; i < unit; i++)
			sector_fill(buffer + i * SECTOR, at + i, n + 1, writer);
		if (pwrite(devices[n % device_count], buffer, unit * SECTOR, at * SECTOR) != (ssize_t)(unit * SECTOR))
			die("writer %d number %" PRIu64 ": %s", writer, n + 1, errno_name(errno));
		atomic_store(&acknowledged[writer], n + 1);
	}
	return NULL;
}

/* Reads one writer's slots of one image into seen[]: the number of each, 0 where none. */
static void read_slots(int image, int writer, int device, uint64_t limit, uint8_t *seen, uint64_t *highest)
{
	static char *buffer;
	uint64_t slot, i, batch, per_batch = BATCH / unit;

	if (!buffer)
		buffer = aligned(BATCH * SECTOR);
	for (slot = 0; slot < limit; slot += batch) {
		batch = limit - slot < per_batch ? limit - slot : per_batch;
		if (pread(image, buffer, batch * unit * SECTOR, place(writer, slot) * SECTOR) !=
		    (ssize_t)(batch * unit * SECTOR))
			die("image read: %s", errno_name(errno));
		for (i = 0; i < batch; i++) {
			int64_t number = sector_sequence(buffer + i * unit * SECTOR, place(writer, slot + i), NULL);
			uint64_t due = (slot + i) * device_count + device + 1;

			if (number < 0 || (number && (uint64_t)number != due))
				die("writer %d device %d slot %" PRIu64 " holds %" PRId64 ", not %" PRIu64 " or 0",
				    writer, device, slot + i, number, due);
			if (!number)
				continue;
			seen[number] = 1;
			if ((uint64_t)number > *highest)
				*highest = number;
		}
	}
}

int main(int argc, char **argv)
{
	pthread_t threads[WRITERS_MAXIMUM];
	uint64_t smallest = UINT64_MAX, storage = 0, bytes;
	int takes, t, w, d, fd, error;

	if (argc < 5)
		die("usage: sequence STORAGE TAKES WRITERS [+]DEVICE…");
	if (argc - 4 > DEVICES_MAXIMUM || atoi(argv[3]) > WRITERS_MAXIMUM)
		die("at most %d devices and %d writers", DEVICES_MAXIMUM, WRITERS_MAXIMUM);
	takes = atoi(argv[2]);
	writer_count = atoi(argv[3]);
	unit = 1;
	for (d = 4; d < argc; d++) {
		uint32_t logical = 0;

		if (argv[d][0] == '+') {
			members[member_count++] = opened(argv[d] + 1, O_RDONLY);
			continue;
		}
		fd = opened(argv[d], O_RDWR | O_DIRECT);
		if (ioctl(fd, BLKGETSIZE64, &bytes) || ioctl(fd, BLKSSZGET, &logical))
			die("size: %s", errno_name(errno));
		if (bytes / SECTOR < smallest)
			smallest = bytes / SECTOR;
		if (logical / SECTOR > unit)
			unit = logical / SECTOR;
		members[member_count++] = fd;
		devices[device_count++] = fd;
	}
	fd = opened(argv[1], O_RDONLY);
	if (ioctl(fd, BLKGETSIZE64, &storage))
		die("size: %s", errno_name(errno));
	close(fd);
	slots = smallest / unit / writer_count;
	if (slots > 40000)
		slots = 40000;
	for (w = 0; w < writer_count; w++)
		if (pthread_create(&threads[w], NULL, write_all, (void *)(intptr_t)w))
			die("no thread");

	for (t = 0; t < takes; t++) {
		uint64_t before[WRITERS_MAXIMUM], after, total = 0;
		int images[DEVICES_MAXIMUM];
		uint8_t id[SIZE_UUID];

		usleep(50000);
		error = snap_create(id);
		if (!error)
			error = snap_append_one(id, argv[1], 0, storage / SECTOR);
		for (d = 0; d < member_count && !error; d++)
			error = filter_add(members[d], id);
		for (w = 0; w < writer_count; w++)
			before[w] = atomic_load(&acknowledged[w]);
		if (!error)
			error = snap_take(id);
		if (error)
			die("take %d: %s", t, errno_name(error));
		for (d = 0; d < device_count; d++)
			images[d] = opened_image(devices[d], O_RDONLY | O_DIRECT);
		for (w = 0; w < writer_count; w++) {
			uint64_t highest = 0, n, limit;
			uint8_t *seen;

			after = atomic_load(&acknowledged[w]) + 1;
			limit = after / device_count + 2;
			if (limit > slots)
				limit = slots;
			seen = calloc(1, limit * device_count + 2);
			for (d = 0; d < device_count; d++)
				read_slots(images[d], w, d, limit, seen, &highest);
			for (n = 1; n <= highest; n++)
				if (!seen[n])
					die("take %d: writer %d: %" PRIu64 " is there, %" PRIu64 " before it is not (device %d)",
					    t, w, highest, n, (int)((n - 1) % device_count));
			if (highest < before[w])
				die("take %d: writer %d: %" PRIu64 " was acknowledged before the take, the image ends at %" PRIu64,
				    t, w, before[w], highest);
			free(seen);
			total += highest;
		}
		for (d = 0; d < device_count; d++)
			close(images[d]);
		error = snap_destroy(id);
		if (error)
			die("destroy %d: %s", t, errno_name(error));
		printf("take %d: %" PRIu64 " writes, no gap\n", t, total);
	}
	atomic_store(&over, 1);
	for (w = 0; w < writer_count; w++)
		pthread_join(threads[w], NULL);
	return 0;
}

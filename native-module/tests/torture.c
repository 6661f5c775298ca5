// SPDX-License-Identifier: GPL-2.0
/*
 * A long random trial. Writers write, zero and read back sectors that can be
 * told, on every device at once and without a pause, while snapshots are
 * taken, read, written and destroyed under them. Looked at:
 *
 *   live    what a writer reads back is what it wrote last
 *   image   every sector is of the moment of the take: not older than what was
 *           acknowledged before the call, not newer than what was issued when
 *           it returned; and it stays so until the snapshot is destroyed
 *   image   what was written to the image is there, and nowhere else
 *   map     a backup made of the one before and the changed blocks is the image
 *
 * Difference storage is given as the events ask for it.
 *
 *   torture STORAGE SNAPSHOTS WRITERS PAUSE_MS SEED DEVICE…
 *
 * PAUSE_MS: how long a snapshot is held at least.
 */
#include <inttypes.h>
#include <linux/fs.h>
#include <pthread.h>
#include <time.h>

#include "torture.h"

#define DEVICES_MAXIMUM 8
#define WRITERS_MAXIMUM 8
#define REGION 49152 /* sectors looked at: half at the device's start, half at its end */
#define USES_LEAST 30 /* reads and writes of each image, however slow the machine */

struct writer {
	struct disk *disk;
	int index;
	struct dice dice;
	pthread_t thread;
	uint64_t operations;
};

static struct disk disks[DEVICES_MAXIMUM];
static int disk_count, writers_each;
static atomic_int over;
static const char *storage_path;
static uint64_t storage_sectors;
static atomic_ulong storage_given, storage_ready;
uint64_t seed;

uint64_t sector_of(const struct disk *disk, uint64_t place)
{
	return place < disk->region / 2 ? place : disk->sectors - disk->region + place;
}

void choose(const struct disk *disk, struct dice *dice, uint64_t from, uint64_t to, uint64_t *place, uint64_t *count)
{
	uint64_t unit = disk->unit, half = disk->region / 2;

	*count = (1 + below(dice, below(dice, 4) ? 24 : LONGEST) + unit - 1) / unit * unit;
	*place = (from + below(dice, to - from)) / unit * unit;
	if (*place < half && *place + *count > half)
		*count = half - *place;
	if (*place + *count > to)
		*count = (to - *place) / unit * unit;
	if (!*count) {
		*place = from;
		*count = unit;
	}
}

void move_all(int fd, int write, char *buffer, uint64_t sector, uint64_t count, const char *what)
{
	ssize_t moved = write ? pwrite(fd, buffer, count * SECTOR, sector * SECTOR) :
				pread(fd, buffer, count * SECTOR, sector * SECTOR);

	if (moved != (ssize_t)(count * SECTOR))
		die("seed %" PRIu64 ": %s of %" PRIu64 ":%" PRIu64 ": %s", seed, what, sector, count,
		    moved < 0 ? errno_name(errno) : "short");
}

static void *write_all(void *argument)
{
	struct writer *writer = argument;
	struct disk *disk = writer->disk;
	uint64_t share = disk->region / writers_each / 8 * 8;
	uint64_t from = share * writer->index;
	uint64_t to = from + share;
	char *buffer = aligned(LONGEST * SECTOR);
	uint32_t sequence;

	for (sequence = 1; !atomic_load(&over); sequence++) {
		uint64_t place, count, sector, i;

		choose(disk, &writer->dice, from, to, &place, &count);
		sector = sector_of(disk, place);
		if (!below(&writer->dice, 8)) {
			move_all(disk->fd, 0, buffer, sector, count, "live read");
			for (i = 0; i < count; i++) {
				uint32_t due = atomic_load(&disk->done[place + i]);
				uint64_t tag = 0;
				int64_t found = sector_sequence(buffer + i * SECTOR, sector + i, &tag);

				if (found != (int64_t)(ZEROING(due) ? 0 : due) || (found && tag != (uint64_t)writer->index))
					die("seed %" PRIu64 ": live %s sector %" PRIu64 " has sequence %" PRId64
					    " tag %" PRIu64 ", written was %u", seed, disk->path, sector + i, found, tag, due);
			}
			continue;
		}
		for (i = 0; i < count; i++)
			atomic_store(&disk->issued[place + i], sequence);
		if (ZEROING(sequence)) {
			uint64_t range[2] = { sector * SECTOR, count * SECTOR };

			if (ioctl(disk->fd, BLKZEROOUT, range))
				die("zeroes: %s", errno_name(errno));
		} else {
			for (i = 0; i < count; i++)
				sector_fill(buffer + i * SECTOR, sector + i, sequence, writer->index);
			move_all(disk->fd, 1, buffer, sector, count, "live write");
		}
		for (i = 0; i < count; i++)
			atomic_store(&disk->done[place + i], sequence);
		writer->operations++;
	}
	free(buffer);
	return NULL;
}

static void *feed(void *argument)
{
	uint8_t *id = argument;
	char *event = malloc(SIZE_EVENT);

	for (;;) {
		int error = snap_wait(id, 200, event);
		uint64_t wanted, from;

		if (error == ENOENT || error == EINTR)
			continue;
		if (error)
			break;
		if (get32(event, 20) != EVENT_LOW_FREE_SPACE)
			die("seed %" PRIu64 ": event corrupted %u:%u %d", seed, get32(event, 32), get32(event, 36),
			    (int)get32(event, 40));
		wanted = get64(event, 32);
		from = atomic_fetch_add(&storage_given, wanted);
		if (from + wanted > storage_sectors)
			die("seed %" PRIu64 ": the events asked for more than the storage disk holds", seed);
		/* In two ranges, so that there are ends to skip. */
		error = snap_append_one(id, storage_path, from, wanted / 2);
		if (!error)
			error = snap_append_one(id, storage_path, from + wanted / 2, wanted - wanted / 2);
		if (error && error != ESRCH)
			die("append: %s", errno_name(error));
		atomic_store(&storage_ready, 1);
	}
	free(event);
	return NULL;
}

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000ull + now.tv_nsec / 1000000;
}

static void one_snapshot(int number, uint64_t pause_ms, struct dice *dice)
{
	static uint32_t image_sequence;
	int images[DEVICES_MAXIMUM], d, error;
	char info[SIZE_SNAPSHOTINFO];
	uint64_t end, uses = 0, i;
	uint8_t id[SIZE_UUID];
	pthread_t feeder;

	atomic_store(&storage_given, 0);
	atomic_store(&storage_ready, 0);
	error = snap_create(id);
	if (error || pthread_create(&feeder, NULL, feed, id))
		die("create: %s", errno_name(error));
	while (!atomic_load(&storage_ready))
		usleep(1000);
	for (d = 0; d < disk_count; d++) {
		error = filter_add(disks[d].fd, id);
		if (error)
			die("add: %s", errno_name(error));
		for (i = 0; i < disks[d].region; i++)
			disks[d].low[i] = atomic_load(&disks[d].done[i]);
	}
	error = snap_take(id);
	if (error)
		die("seed %" PRIu64 ": take %d: %s", seed, number, errno_name(error));
	for (d = 0; d < disk_count; d++)
		for (i = 0; i < disks[d].region; i++)
			disks[d].high[i] = atomic_load(&disks[d].issued[i]);
	end = now_ms() + pause_ms;
	for (d = 0; d < disk_count; d++) {
		images[d] = opened_image(disks[d].fd, O_RDWR | O_DIRECT);
		read_image(&disks[d], images[d], 1, "");
		check_map(&disks[d]);
	}
	do {
		for (d = 0; d < disk_count; d++)
			use_image(&disks[d], images[d], dice, &image_sequence);
		uses++;
	} while (now_ms() < end || uses < USES_LEAST);
	for (d = 0; d < disk_count; d++) {
		read_image(&disks[d], images[d], 0, "at the end");
		error = filter_info(disks[d].fd, info);
		if (error || get32(info, 0))
			die("seed %" PRIu64 ": snapshotinfo of %s: %s, error code %d", seed, disks[d].path,
			    errno_name(error), (int)get32(info, 0));
		close(images[d]);
	}
	error = snap_destroy(id);
	if (error)
		die("destroy %d: %s", number, errno_name(error));
	pthread_join(feeder, NULL);
	printf("snapshot %d: %" PRIu64 " uses of the images, %lu sectors of storage\n", number, uses,
	       (unsigned long)atomic_load(&storage_given));
}

static void open_disk(struct disk *disk, const char *path)
{
	uint64_t bytes = 0;
	uint32_t logical = 0;

	disk->path = path;
	disk->fd = opened(path, O_RDWR | O_DIRECT);
	if (ioctl(disk->fd, BLKGETSIZE64, &bytes) || ioctl(disk->fd, BLKSSZGET, &logical))
		die("size of %s: %s", path, errno_name(errno));
	disk->sectors = bytes / SECTOR;
	disk->unit = logical / SECTOR;
	disk->region = disk->sectors < REGION ? disk->sectors / 16 * 16 : REGION;
	/* The region's second half ends where the device ends; its start must stand on a logical block. */
	disk->issued = calloc(disk->region, sizeof(*disk->issued));
	disk->done = calloc(disk->region, sizeof(*disk->done));
	disk->low = calloc(disk->region, sizeof(*disk->low));
	disk->high = calloc(disk->region, sizeof(*disk->high));
	disk->view = calloc(disk->region, sizeof(*disk->view));
	disk->taken = calloc(disk->region, sizeof(*disk->taken));
	disk->backup = calloc(disk->region, sizeof(*disk->backup));
}

int main(int argc, char **argv)
{
	struct writer writers[DEVICES_MAXIMUM * WRITERS_MAXIMUM] = { 0 };
	uint64_t operations = 0, pause_ms, bytes = 0;
	int snapshots, i, d, count = 0, fd;
	struct dice dice;

	if (argc < 7 || argc > 6 + DEVICES_MAXIMUM)
		die("usage: torture STORAGE SNAPSHOTS WRITERS PAUSE_MS SEED DEVICE…");
	setvbuf(stdout, NULL, _IOLBF, 0);
	storage_path = argv[1];
	snapshots = atoi(argv[2]);
	writers_each = atoi(argv[3]);
	pause_ms = strtoull(argv[4], NULL, 0);
	seed = dice.state = strtoull(argv[5], NULL, 0);
	fd = opened(storage_path, O_RDONLY);
	if (ioctl(fd, BLKGETSIZE64, &bytes))
		die("size: %s", errno_name(errno));
	storage_sectors = bytes / SECTOR;
	close(fd);
	for (i = 6; i < argc; i++)
		open_disk(&disks[disk_count++], argv[i]);
	for (d = 0; d < disk_count; d++)
		for (i = 0; i < writers_each; i++, count++) {
			writers[count].disk = &disks[d];
			writers[count].index = i;
			writers[count].dice.state = seed * 1000 + count;
			if (pthread_create(&writers[count].thread, NULL, write_all, &writers[count]))
				die("no thread");
		}
	for (i = 0; i < snapshots; i++)
		one_snapshot(i, pause_ms, &dice);
	atomic_store(&over, 1);
	for (i = 0; i < count; i++) {
		pthread_join(writers[i].thread, NULL);
		operations += writers[i].operations;
	}
	for (d = 0; d < disk_count; d++) {
		struct disk *disk = &disks[d];
		char *buffer = aligned(SECTOR * 8);
		uint64_t place, k;

		for (place = 0; place < disk->region; place += 8) {
			uint64_t sector = sector_of(disk, place);

			move_all(disk->fd, 0, buffer, sector, 8, "last read");
			for (k = 0; k < 8; k++) {
				uint32_t due = atomic_load(&disk->done[place + k]);

				if (sector_sequence(buffer + k * SECTOR, sector + k, NULL) != (int64_t)(ZEROING(due) ? 0 : due))
					die("seed %" PRIu64 ": at the end live %s sector %" PRIu64 " is not what was written",
					    seed, disk->path, sector + k);
			}
		}
		free(buffer);
	}
	printf("%d snapshots, %" PRIu64 " live writes\n", snapshots, operations);
	return 0;
}
